import { expect } from "chai";
import { createHash } from "node:crypto";
import { createNvidiaHandler } from "../../../../../offchain/device/simulated/nvidia/service.ts";
import type { NvidiaAnswer, NvidiaServiceOptions } from "../../../../../offchain/device/simulated/nvidia/service.ts";
import { nvidiaVendorFromJson, nvidiaVendorToJson } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { utf8 } from "../../../../../offchain/encoding/bytes.ts";
import { parseCertificate } from "../../../../../offchain/x509/certificate.ts";
import { certificateIdOf } from "../../../../../offchain/x509/ocsp-id.ts";
import { writeOcspRequest } from "../../../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../../../offchain/x509/ocsp-response.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";

const NOTHING = new Uint8Array(0);
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
  const get = (path: string, from = handle): NvidiaAnswer =>
    from({ method: "GET", path, contentType: undefined, body: NOTHING });
  const jsonOf = ({ body }: NvidiaAnswer): Record<string, string> =>
    JSON.parse(new TextDecoder().decode(body)) as Record<string, string>;

  it("hands out the manifests of every version with their digests, each always the same", () => {
    for (const id of [
      "NV_GPU_DRIVER_GH100_951.51.02",
      "NV_GPU_DRIVER_GH100_951.51.01",
      "NV_GPU_VBIOS_51AD_0001_51A_9651AD0002",
      "NV_SWITCH_BIOS_5612_0002_890_9651AD0001",
    ]) {
      const answer = get(`/v1/rim/${id}`);
      expect(answer.status, id).to.equal(200);
      const document = jsonOf(answer);
      const manifest = Buffer.from(document["rim"] ?? "", "base64");
      expect(document).to.include({ id, rim_format: "TCG" });
      expect(createHash("sha256").update(manifest).digest("hex")).to.equal(document["sha256"]);
      expect(manifest.toString()).to.match(/^<SoftwareIdentity .*<\/SoftwareIdentity>$/s);
      expect(jsonOf(get(`/v1/rim/${id}`))).to.deep.equal(document);
    }
  });

  it("serves defective manifests when told to", () => {
    const id = "NV_GPU_DRIVER_GH100_951.51.02";
    const unsigned = jsonOf(
      get(
        `/v1/rim/${id}`,
        serve(() => ({ rim: { unsigned: true } })),
      ),
    );
    expect(Buffer.from(unsigned["rim"] ?? "", "base64").toString()).to.not.contain("ds:Signature");
  });

  it("answers for certificates", () => {
    const [root, identity] = (["root", "identity"] as const).map((role) =>
      parseCertificate(Buffer.from(vendor.certificates[role].slice(2), "hex")),
    );
    const body = writeOcspRequest({ certificateIds: [certificateIdOf(identity!, root!)] });
    const answer = handle({ method: "POST", path: "/", contentType: OCSP, body });
    expect(answer).to.deep.include({ status: 200, headers: { "content-type": "application/ocsp-response" } });
    expect(parseOcspResponse(answer.body).responses[0]?.status.kind).to.equal("good");
  });

  it("refuses what it does not serve", () => {
    const post = (path: string, contentType?: string): number =>
      handle({ method: "POST", path, contentType, body: utf8("x") }).status;
    expect(get("/v1/rim/NV_GPU_DRIVER_GH100_1.2.3").status).to.equal(404);
    expect(get("/v1/rim/../vendor").status).to.equal(404);
    expect(get("/v2/rim/NV_GPU_DRIVER_GH100_951.51.02").status).to.equal(404);
    expect(get("/").status).to.equal(405);
    expect(post("/", "application/json")).to.equal(415);
    expect(post("/")).to.equal(415);
    expect(post("/v1/rim/NV_GPU_DRIVER_GH100_951.51.02", OCSP)).to.equal(405);
  });
});
