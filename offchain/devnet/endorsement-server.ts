/** A process that serves a simulated vendor's endorsements like a PCCS: `node endorsement-server.ts --vendor FILE --port N`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createPcsHandler } from "../device/simulated/intel/pcs-server.ts";
import { vendorFromJson } from "../device/simulated/intel/vendor.ts";
import { createApp, listen } from "../http/server.ts";

const { values } = parseArgs({ options: { vendor: { type: "string" }, port: { type: "string", default: "0" } } });
const vendorFile = values.vendor ?? "";
const app = createApp();
const handle = createPcsHandler({ vendor: () => vendorFromJson(readFileSync(vendorFile, "utf8")), now: Date.now });
app.get("/*", (context) => {
  const url = new URL(context.req.url);
  const answer = handle(url.pathname, url.searchParams);
  return context.body(new Uint8Array(answer.body), answer.status, { ...answer.headers });
});
const server = await listen(app, { port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ ready: true, url: server.url, simulated: true })}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void server.close(500));
