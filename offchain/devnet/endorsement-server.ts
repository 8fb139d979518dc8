/** A process that serves simulated vendors' endorsements at one address: `node endorsement-server.ts --vendor FILE --amd FILE --nvidia FILE --port N`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createKdsHandler } from "../device/simulated/amd/kds-server.ts";
import { amdVendorFromJson } from "../device/simulated/amd/vendor.ts";
import { createPcsHandler } from "../device/simulated/intel/pcs-server.ts";
import { vendorFromJson } from "../device/simulated/intel/vendor.ts";
import { createNvidiaHandler } from "../device/simulated/nvidia/service.ts";
import { nvidiaVendorFromJson } from "../device/simulated/nvidia/vendor.ts";
import { createApp, listen, readBytes } from "../http/server.ts";

interface Answer {
  readonly status: 200 | 400 | 404 | 405 | 415 | 429;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const AMD_PATH = /^\/v[cl]ek\//;
/** Intel's and AMD's services are only read from; what else is asked is NVIDIA's. */
const NVIDIA_PATH = /^\/(?:v1\/rim\/|v3\/attest\/|\.well-known\/|$)/;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: { vendor: text, amd: text, nvidia: text, port: { type: "string", default: "0" } },
});
const read = (file: string | undefined): string => readFileSync(file ?? "", "utf8");
const now = Date.now;
const pcs = createPcsHandler({ vendor: () => vendorFromJson(read(values.vendor)), now });
const kds = createKdsHandler({ vendor: () => amdVendorFromJson(read(values.amd)), now });
const nvidia = createNvidiaHandler({ vendor: () => nvidiaVendorFromJson(read(values.nvidia)), now });
const app = createApp();
app.all("/*", async (context) => {
  const { method } = context.req;
  const { pathname: path, searchParams } = new URL(context.req.url);
  const contentType = context.req.header("content-type");
  const respond = ({ status, headers, body }: Answer): Response =>
    context.body(new Uint8Array(body), status, { ...headers });
  if (NVIDIA_PATH.test(path)) {
    return respond(await nvidia({ method, path, contentType, body: await readBytes(context) }));
  }
  if (method !== "GET") return respond({ status: 405, headers: {}, body: new Uint8Array(0) });
  return respond(AMD_PATH.test(path) ? kds(path, searchParams) : pcs(path, searchParams));
});
const server = await listen(app, { port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ ready: true, url: server.url, simulated: true })}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void server.close(500));
