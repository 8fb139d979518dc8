import { expect } from "chai";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { simulatedNvidiaDevice } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import { createNvidiaHandler } from "../../../../../offchain/device/simulated/nvidia/service.ts";
import type { NvidiaAnswer, NvidiaServiceOptions } from "../../../../../offchain/device/simulated/nvidia/service.ts";
import { nvidiaVendorFromJson, nvidiaVendorToJson } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { readyLine, startService } from "../../../../../offchain/devnet/processes.ts";
import { ROOT } from "../../../../../offchain/devnet/services.ts";
import { utf8 } from "../../../../../offchain/encoding/bytes.ts";
import { verifyDeviceTokens } from "../../../../../offchain/verifier/verify-token.ts";
import { parseCertificate } from "../../../../../offchain/x509/certificate.ts";
import { certificateIdOf } from "../../../../../offchain/x509/ocsp-id.ts";
import { writeOcspRequest } from "../../../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../../../offchain/x509/ocsp-response.ts";
import { temporaryDirectory } from "../../../../support/directories.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";

const NOTHING = new Uint8Array(0);
const ATTEST = "/v3/attest/gpu";
const OCSP = "application/ocsp-request";

describe("simulated NVIDIA service", () => {
  const vendor = testNvidiaVendor();
  const serve = (defects?: NvidiaServiceOptions["defects"]) =>
    createNvidiaHandler({
      // As a server does that reads its file at every request.
      vendor: () => nvidiaVendorFromJson(nvidiaVendorToJson(vendor)),
      now: () => SIMULATED_NOW,
      ...(defects === undefined ? {} : { defects }),
    });
  const handle = serve();
  const get = (path: string, from = handle): Promise<NvidiaAnswer> =>
    from({ method: "GET", path, contentType: undefined, body: NOTHING });
  const jsonOf = ({ body }: NvidiaAnswer): Record<string, string> =>
    JSON.parse(new TextDecoder().decode(body)) as Record<string, string>;

  it("hands out the manifests of every version with their digests, each always the same", async () => {
    for (const id of [
      "NV_GPU_DRIVER_GH100_951.51.02",
      "NV_GPU_DRIVER_GH100_951.51.01",
      "NV_GPU_VBIOS_51AD_0001_51A_9651AD0002",
      "NV_SWITCH_BIOS_5612_0002_890_9651AD0001",
    ]) {
      const answer = await get(`/v1/rim/${id}`);
      expect(answer.status, id).to.equal(200);
      const document = jsonOf(answer);
      const manifest = Buffer.from(document["rim"] ?? "", "base64");
      expect(document).to.include({ id, rim_format: "TCG" });
      expect(createHash("sha256").update(manifest).digest("hex")).to.equal(document["sha256"]);
      expect(manifest.toString()).to.match(/^<SoftwareIdentity .*<\/SoftwareIdentity>$/s);
      expect(jsonOf(await get(`/v1/rim/${id}`))).to.deep.equal(document);
    }
  });

  it("serves defective manifests when told to", async () => {
    const id = "NV_GPU_DRIVER_GH100_951.51.02";
    const unsigned = jsonOf(
      await get(
        `/v1/rim/${id}`,
        serve(() => ({ rim: { unsigned: true } })),
      ),
    );
    expect(Buffer.from(unsigned["rim"] ?? "", "base64").toString()).to.not.contain("ds:Signature");
  });

  it("answers for certificates", async () => {
    const [root, identity] = (["root", "identity"] as const).map((role) =>
      parseCertificate(Buffer.from(vendor.certificates[role].slice(2), "hex")),
    );
    const body = writeOcspRequest({ certificateIds: [certificateIdOf(identity!, root!)] });
    const answer = await handle({ method: "POST", path: "/", contentType: OCSP, body });
    expect(answer).to.deep.include({ status: 200, headers: { "content-type": "application/ocsp-response" } });
    expect(parseOcspResponse(answer.body).responses[0]?.status.kind).to.equal("good");
  });

  it("verifies reports and signs what it found", async () => {
    const nonce = new Uint8Array(32).fill(3);
    const { evidence, certChain } = await simulatedNvidiaDevice(testNvidiaDevice(vendor)).report(nonce);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
    const request = {
      nonce: Buffer.from(nonce).toString("hex"),
      arch: "HOPPER",
      evidence_list: [{ evidence: base64(evidence), certificate: base64(certChain) }],
    };
    const ask = (json: unknown): Promise<NvidiaAnswer> =>
      handle({ method: "POST", path: ATTEST, contentType: "application/json", body: utf8(JSON.stringify(json)) });
    const [overall, devices] = JSON.parse(new TextDecoder().decode((await ask(request)).body)) as [string[], object];
    const tokens = {
      token: utf8(overall[1] ?? ""),
      devices: Object.fromEntries(Object.entries(devices).map(([name, token]) => [name, utf8(String(token))])),
    };
    const { body: keys } = await get("/.well-known/jwks.json");
    const { verdict, claims } = await verifyDeviceTokens(tokens, { keys, now: SIMULATED_NOW, expectedNonce: nonce });
    expect(verdict).to.equal("affirming");
    expect(Object.keys(claims?.devices ?? {})).to.deep.equal(["GPU-0"]);
    for (const wrong of [
      [],
      { ...request, nonce: "00" },
      { ...request, arch: "BLACKWELL" },
      { ...request, evidence_list: [{ evidence: "?", certificate: "" }] },
    ]) {
      expect((await ask(wrong)).status).to.equal(400);
    }
  });

  it("refuses what it does not serve", async () => {
    const post = async (path: string, contentType?: string): Promise<number> =>
      (await handle({ method: "POST", path, contentType, body: utf8("x") })).status;
    const got = async (path: string): Promise<number> => (await get(path)).status;
    expect(await got("/v1/rim/NV_GPU_DRIVER_GH100_1.2.3")).to.equal(404);
    expect(await got("/v1/rim/../vendor")).to.equal(404);
    expect(await got("/v2/rim/NV_GPU_DRIVER_GH100_951.51.02")).to.equal(404);
    expect(await got("/")).to.equal(405);
    expect(await post("/", "application/json")).to.equal(415);
    expect(await post("/")).to.equal(415);
    expect(await post(ATTEST, "application/octet-stream")).to.equal(415);
    expect(await post("/.well-known/jwks.json", "application/json")).to.equal(405);
    expect(await post("/v1/rim/NV_GPU_DRIVER_GH100_951.51.02", OCSP)).to.equal(405);
  });

  it("stands as a process of its own", async function () {
    this.timeout(30_000);
    const directory = temporaryDirectory();
    const vendorFile = join(directory, "vendor.json");
    writeFileSync(vendorFile, nvidiaVendorToJson(vendor), { mode: 0o600 });
    const service = await startService({
      name: "nvidia",
      args: [join(ROOT, "offchain", "devnet", "endorsement-server.ts"), "--nvidia", vendorFile],
      logDir: directory,
      timeoutMs: 20_000,
      ready: readyLine,
    });
    try {
      const id = "NV_GPU_DRIVER_GH100_951.51.02";
      const rim = await fetch(`${service.url}/v1/rim/${id}`);
      expect([rim.status, rim.headers.get("content-type")]).to.deep.equal([200, "application/json"]);
      expect(await rim.json()).to.include({ id, rim_format: "TCG" });
      const asked = (contentType: string): Promise<Response> =>
        fetch(service.url, { method: "POST", headers: { "content-type": contentType }, body: "no request" });
      const status = await asked(OCSP);
      expect([status.status, status.headers.get("content-type")]).to.deep.equal([200, "application/ocsp-response"]);
      // The responder's word that this was no request: RFC 6960 section 4.2.1.
      expect(Buffer.from(await status.arrayBuffer()).toString("hex")).to.equal("30030a0101");
      expect((await asked("text/plain")).status).to.equal(415);
    } finally {
      await service.stop();
    }
  });
});
