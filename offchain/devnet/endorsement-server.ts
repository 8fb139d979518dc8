/** A process that serves simulated vendors' endorsements at one address: `node endorsement-server.ts --vendor FILE --amd FILE --port N`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createKdsHandler } from "../device/simulated/amd/kds-server.ts";
import { amdVendorFromJson } from "../device/simulated/amd/vendor.ts";
import { createPcsHandler } from "../device/simulated/intel/pcs-server.ts";
import { vendorFromJson } from "../device/simulated/intel/vendor.ts";
import { createApp, listen } from "../http/server.ts";

const { values } = parseArgs({
  options: { vendor: { type: "string" }, amd: { type: "string" }, port: { type: "string", default: "0" } },
});
const [intelFile, amdFile] = [values.vendor ?? "", values.amd ?? ""];
const app = createApp();
const pcs = createPcsHandler({ vendor: () => vendorFromJson(readFileSync(intelFile, "utf8")), now: Date.now });
const kds = createKdsHandler({ vendor: () => amdVendorFromJson(readFileSync(amdFile, "utf8")), now: Date.now });
app.get("/*", (context) => {
  const { pathname, searchParams } = new URL(context.req.url);
  const answer = /^\/v[cl]ek\//.test(pathname) ? kds(pathname, searchParams) : pcs(pathname, searchParams);
  return context.body(new Uint8Array(answer.body), answer.status, { ...answer.headers });
});
const server = await listen(app, { port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ ready: true, url: server.url, simulated: true })}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void server.close(500));
