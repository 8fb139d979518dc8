import { expect } from "chai";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { ServiceError } from "../../../offchain/errors.ts";
import { fetchBytes, fetchJson } from "../../../offchain/http/fetch.ts";
import { createApp, listen } from "../../../offchain/http/server.ts";
import type { Listening } from "../../../offchain/http/server.ts";

const LIMITS = { timeoutMs: 5000, maxBytes: 1000 };

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(ServiceError);
  return (error as ServiceError).code;
}

describe("http fetch", () => {
  let server: Listening;
  let url: string;
  let broken: string;
  const breaking = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
  });

  before(async () => {
    const app = createApp();
    app.get("/redirect", (context) => context.redirect("/text"));
    app.get("/text", (context) => context.text("text", 203));
    app.get("/never", async () => new Promise<Response>(() => undefined));
    app.get("/bytes/:count", (context) => context.body(new Uint8Array(Number(context.req.param("count")))));
    app.get("/stream", () => {
      let sent = 0;
      const pull = (controller: ReadableStreamDefaultController): void => {
        if ((sent += 1) > 50) controller.close();
        else controller.enqueue(new Uint8Array(100));
      };
      return new Response(new ReadableStream({ pull }));
    });
    app.post("/echo", async (context) => {
      const type = context.req.header("content-type") ?? "";
      return context.json({ type, text: await context.req.text() });
    });
    server = await listen(app, { port: 0 });
    url = server.url;
    await new Promise<void>((resolve) => {
      breaking.listen(0, "127.0.0.1", resolve);
    });
    broken = `http://127.0.0.1:${(breaking.address() as AddressInfo).port}/`;
  });

  after(async () => {
    breaking.close();
    await server.close(0);
  });

  it("returns status, headers and bytes whatever the status", async () => {
    const { status, headers, body } = await fetchBytes(`${url}/text`, LIMITS);
    expect(status).to.equal(203);
    expect(headers["content-type"]).to.match(/^text\/plain/);
    expect(Buffer.from(body).toString()).to.equal("text");
  });

  it("takes a body of exactly the limit and refuses one byte more", async () => {
    expect((await fetchBytes(`${url}/bytes/1000`, LIMITS)).body).to.have.length(1000);
    expect(await codeOf(fetchBytes(`${url}/bytes/1001`, LIMITS))).to.equal("SERVICE_ANSWER_INVALID");
    expect(await codeOf(fetchBytes(`${url}/stream`, LIMITS))).to.equal("SERVICE_ANSWER_INVALID");
  });

  it("refuses what is no plain http or https URL", async () => {
    for (const bad of [
      "",
      "file:///etc/hostname",
      "ftp://127.0.0.1/x",
      "data:,x",
      "127.0.0.1:80",
      "http://a:b@127.0.0.1/",
    ]) {
      expect(await codeOf(fetchBytes(bad, LIMITS)), bad).to.equal("SERVICE_ADDRESS_INVALID");
    }
  });

  it("does not follow a redirect", async () => {
    expect(await codeOf(fetchBytes(`${url}/redirect`, LIMITS))).to.equal("SERVICE_ANSWER_INVALID");
  });

  it("gives up in time, when told to, and when the answer breaks off", async () => {
    expect(await codeOf(fetchBytes(`${url}/never`, { ...LIMITS, timeoutMs: 30 }))).to.equal("SERVICE_UNAVAILABLE");
    const signal = AbortSignal.abort();
    expect(await codeOf(fetchBytes(`${url}/text`, { ...LIMITS, signal }))).to.equal("SERVICE_UNAVAILABLE");
    expect(await codeOf(fetchBytes(broken, LIMITS))).to.equal("SERVICE_UNAVAILABLE");
    expect(await codeOf(fetchBytes("http://127.0.0.1:9/", LIMITS))).to.equal("SERVICE_UNAVAILABLE");
  });

  it("reads JSON and refuses anything else", async () => {
    const { body } = await fetchJson(`${url}/echo`, { ...LIMITS, method: "POST", body: '{"a":1}' });
    expect(body).to.deep.equal({ type: "application/json", text: '{"a":1}' });
    expect(await codeOf(fetchJson(`${url}/text`, LIMITS))).to.equal("SERVICE_ANSWER_INVALID");
  });
});
