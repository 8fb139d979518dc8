/** A process that serves a simulated NVIDIA's manifests, certificate statuses and tokens: `node nvidia-server.ts --vendor FILE --port N`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createNvidiaHandler } from "../device/simulated/nvidia/service.ts";
import { nvidiaVendorFromJson } from "../device/simulated/nvidia/vendor.ts";
import { createApp, listen, readBytes } from "../http/server.ts";

const { values } = parseArgs({ options: { vendor: { type: "string" }, port: { type: "string", default: "0" } } });
const vendorFile = values.vendor ?? "";
const app = createApp();
const vendor = () => nvidiaVendorFromJson(readFileSync(vendorFile, "utf8"));
const handle = createNvidiaHandler({ vendor, now: Date.now });
app.all("/*", async (context) => {
  const { method } = context.req;
  const path = new URL(context.req.url).pathname;
  const contentType = context.req.header("content-type");
  const answer = await handle({ method, path, contentType, body: await readBytes(context) });
  return context.body(new Uint8Array(answer.body), answer.status, { ...answer.headers });
});
const server = await listen(app, { port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ ready: true, url: server.url, simulated: true })}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void server.close(500));
