import { expect } from "chai";
import { connect } from "node:net";
import {
  ConfigError,
  EndorsementError,
  EvidenceError,
  ModelError,
  ReceiptError,
  RequestError,
  SealError,
  ServiceError,
} from "../../../offchain/errors.ts";
import { errorAnswer } from "../../../offchain/http/errors.ts";
import { fetchBytes, fetchJson } from "../../../offchain/http/fetch.ts";
import { createApp, listen, readBytes, readJson } from "../../../offchain/http/server.ts";
import type { Listening } from "../../../offchain/http/server.ts";

const LIMITS = { timeoutMs: 5000, maxBytes: 1 << 16 };

describe("http server", () => {
  const servers: Listening[] = [];
  const seen: unknown[] = [];

  async function serve(options: Parameters<typeof createApp>[0] = {}): Promise<string> {
    const app = createApp({ onError: (error) => seen.push(error), ...options });
    app.get("/ok", (context) => context.json({ answer: 42 }));
    app.get("/busy", () => {
      throw new ServiceError("SERVICE_BUSY", "the queue is full");
    });
    app.get("/secret", () => {
      throw new Error("the secret is 7");
    });
    app.get("/never", async () => new Promise<Response>(() => undefined));
    app.post("/json", async (context) => context.json({ got: await readJson(context) }));
    app.post("/bytes", async (context) => context.body(await readBytes(context)));
    const server = await listen(app, { port: 0, requestTimeoutMs: 300 });
    servers.push(server);
    return server.url;
  }

  afterEach(async () => {
    await Promise.all(servers.splice(0).map(async (server) => server.close(0)));
    seen.length = 0;
  });

  describe("createApp", () => {
    it("answers on loopback at a free port, with nothing cached", async () => {
      const url = await serve();
      expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
      const { status, headers, body } = await fetchJson(`${url}/ok`, LIMITS);
      expect({ status, body }).to.deep.equal({ status: 200, body: { answer: 42 } });
      expect(headers["cache-control"]).to.equal("no-store");
    });

    it("answers every failure in one shape", async () => {
      const url = await serve({ maxBodyBytes: 16, handlerTimeoutMs: 50 });
      const large = "x".repeat(17);
      const cases = [
        { path: "/none", status: 404, code: "NOT_FOUND" },
        { path: "/busy", status: 503, code: "SERVICE_BUSY" },
        { path: "/secret", status: 500, code: "SERVICE_FAILED" },
        { path: "/never", status: 503, code: "SERVICE_BUSY" },
        { path: "/json", body: "{", status: 400, code: "REQUEST_INVALID" },
        { path: "/json", body: large, status: 413, code: "REQUEST_TOO_LARGE" },
      ];
      for (const { path, body, status, code } of cases) {
        const sent = body === undefined ? {} : { method: "POST" as const, body };
        const got = await fetchJson(`${url}${path}`, { ...LIMITS, ...sent });
        expect(got.status, path).to.equal(status);
        expect((got.body as { error: { code: string } }).error.code, path).to.equal(code);
      }
    });

    it("does not show what an uncoded error says, but reports it inside", async () => {
      const url = await serve();
      const { body } = await fetchBytes(`${url}/secret`, LIMITS);
      expect(Buffer.from(body).toString()).to.not.contain("7");
      expect(seen.map((error) => (error as Error).message)).to.deep.equal(["the secret is 7"]);
    });

    it("counts a chunked body while it arrives", async () => {
      const url = await serve({ maxBodyBytes: 1000 });
      const body = new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(600));
        },
      });
      const init = { method: "POST", body, duplex: "half" } as RequestInit;
      const answer = await fetch(`${url}/bytes`, init).catch(() => undefined);
      if (answer !== undefined) expect(answer.status).to.equal(413);
    });

    it("gives back the bytes of a body", async () => {
      const url = await serve();
      const sent = Uint8Array.of(0, 255, 1);
      const { body } = await fetchBytes(`${url}/bytes`, { ...LIMITS, method: "POST", body: sent });
      expect(body).to.deep.equal(sent);
    });
  });

  describe("listen", () => {
    it("cuts a client that does not finish its request", async () => {
      const url = new URL(await serve());
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(url.port), url.hostname, () =>
          socket.write("POST /bytes HTTP/1.1\r\nHost: x\r\n"),
        );
        let text = "";
        socket.on("data", (data) => (text += data.toString()));
        socket.on("close", () => resolve(text));
        socket.on("error", reject);
      });
      expect(answer).to.contain("408");
    });

    it("refuses a port that is taken", async () => {
      const port = Number(new URL(await serve()).port);
      const refused = await listen(createApp(), { port }).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(ServiceError).with.property("code", "SERVICE_UNAVAILABLE");
    });

    it("lets a running request finish while it closes, and closes twice", async () => {
      const app = createApp();
      const entered = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      app.get("/slow", async (context) => {
        entered.resolve();
        await release.promise;
        return context.json({ done: true });
      });
      const server = await listen(app, { port: 0 });
      const running = fetchJson(`${server.url}/slow`, LIMITS);
      await entered.promise;
      const closed = server.close();
      expect(server.close()).to.equal(closed);
      release.resolve();
      expect((await running).body).to.deep.equal({ done: true });
      await closed;
      const after = await fetchBytes(server.url, LIMITS).catch((error: unknown) => error);
      expect(after).to.be.instanceOf(ServiceError).with.property("code", "SERVICE_UNAVAILABLE");
    });
  });

  describe("errorAnswer", () => {
    it("gives one outside answer for every failure to open", () => {
      const invalid = errorAnswer(new SealError("SEAL_INVALID", "tag"));
      expect(invalid).to.deep.equal({ status: 400, body: { error: { code: "SEAL_INVALID" } } });
      expect(errorAnswer(new SealError("SEAL_TRUNCATED", "chunk 3"))).to.deep.equal(invalid);
    });

    it("answers each code with one status", () => {
      const cases: [unknown, number][] = [
        [new SealError("KEY_UNKNOWN", ""), 409],
        [new RequestError("REQUEST_TIMEOUT", ""), 408],
        [new ReceiptError("VOUCHER_INVALID", ""), 403],
        [new ReceiptError("RECEIPT_MALFORMED", ""), 400],
        [new EvidenceError("EVIDENCE_MALFORMED", ""), 400],
        [new EvidenceError("SIGNATURE_INVALID", ""), 403],
        [new ModelError("INPUT_INVALID", ""), 400],
        [new ModelError("INFERENCE_FAILED", ""), 500],
        [new EndorsementError("ENDORSEMENT_EXPIRED", ""), 503],
        [new ServiceError("SERVICE_ANSWER_INVALID", ""), 502],
        [new ServiceError("SERVICE_FAILED", ""), 500],
        [new ConfigError("CONFIG_MISSING", "a path of this machine"), 500],
        [undefined, 500],
      ];
      expect(cases.map(([error]) => errorAnswer(error).status)).to.deep.equal(cases.map(([, status]) => status));
    });
  });
});
