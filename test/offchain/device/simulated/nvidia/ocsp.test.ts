import { expect } from "chai";
import { answerOcsp, ocspResponsesFor } from "../../../../../offchain/device/simulated/nvidia/ocsp.ts";
import type { OcspDefects } from "../../../../../offchain/device/simulated/nvidia/ocsp.ts";
import { NVIDIA_ROLES, revokeNvidia } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import type { NvidiaRole, NvidiaVendor } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { toHex, utf8 } from "../../../../../offchain/encoding/bytes.ts";
import { parseCertificate } from "../../../../../offchain/x509/certificate.ts";
import type { Certificate } from "../../../../../offchain/x509/certificate.ts";
import { certificateIdOf } from "../../../../../offchain/x509/ocsp-id.ts";
import { writeOcspRequest } from "../../../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../../../offchain/x509/ocsp-response.ts";
import { verifyOcspResponse } from "../../../../../offchain/x509/ocsp.ts";
import { parsePem } from "../../../../../offchain/x509/pem.ts";
import { codeOf, codeOfAsync } from "../../../../support/errors.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";

const NONCE = Uint8Array.from({ length: 32 }, (_zero, index) => index);
const DAY = 86_400_000;

describe("simulated NVIDIA OCSP responder", () => {
  const vendor = testNvidiaVendor();
  const authority = (role: NvidiaRole): Certificate =>
    parseCertificate(Buffer.from(vendor.certificates[role].slice(2), "hex"));
  const identity = authority("identity");
  const root = authority("root");
  const requestFor = (certificate: Certificate, issuer: Certificate, nonce?: Uint8Array): Uint8Array =>
    writeOcspRequest({
      certificateIds: [certificateIdOf(certificate, issuer, "sha384")],
      ...(nonce === undefined ? {} : { nonce }),
    });

  /** The status of the chip family's certificate, as a verifier finds it at a time. */
  async function statusOf(defects: OcspDefects = {}, of: NvidiaVendor = vendor, now = SIMULATED_NOW): Promise<string> {
    const der = answerOcsp(of, requestFor(identity, root, NONCE), { now: SIMULATED_NOW, defects });
    const rules = { certificate: identity, issuer: root, now, nonce: NONCE };
    return (await verifyOcspResponse(parseOcspResponse(der), rules)).status.kind;
  }

  it("says good for what is not revoked and revoked for what is", async () => {
    expect(await statusOf()).to.equal("good");
    const serial = `0x${identity.serial}` as const;
    expect(await statusOf({}, revokeNvidia(vendor, { issuer: "root", serial, revokedAt: SIMULATED_NOW }))).to.equal(
      "revoked",
    );
    expect(await statusOf({}, revokeNvidia(vendor, { issuer: "rimRoot", serial, revokedAt: SIMULATED_NOW }))).to.equal(
      "good",
    );
    expect(await statusOf({ unknown: true })).to.equal("unknown");
  });

  it("is refused with each defect", async () => {
    const cases: [string, OcspDefects, number?][] = [
      ["CERTIFICATE_EXPIRED", { stale: true }],
      ["CERTIFICATE_EXPIRED", {}, SIMULATED_NOW + 2 * DAY],
      ["SIGNATURE_INVALID", { forgedSignature: true }],
      ["CHAIN_UNTRUSTED", { responderWithoutPurpose: true }],
      ["CHAIN_UNTRUSTED", { foreignResponder: true }],
      ["BINDING_MISMATCH", { otherCertificate: true }],
      ["BINDING_MISMATCH", { withoutNonce: true }],
      ["ENDORSEMENT_UNAVAILABLE", { unavailable: true }],
    ];
    for (const [code, defects, now] of cases) {
      expect(await codeOfAsync(() => statusOf(defects, vendor, now)), JSON.stringify(defects)).to.equal(code);
    }
  });

  it("answers nothing that is no request, or not about its vendor's certificates alone", () => {
    const other = parseCertificate(Buffer.from(testNvidiaDeviceChain()[0]!));
    const boot = parseCertificate(Buffer.from(testNvidiaDeviceChain()[1]!));
    const two = writeOcspRequest({
      certificateIds: [certificateIdOf(identity, root), certificateIdOf(authority("gpuProvisioner"), identity)],
    });
    for (const request of [utf8("no request"), requestFor(other, boot), two]) {
      const answer = answerOcsp(vendor, request, { now: SIMULATED_NOW });
      expect(
        codeOf(() => parseOcspResponse(answer)),
        toHex(answer),
      ).to.equal("ENDORSEMENT_UNAVAILABLE");
    }
  });

  const testNvidiaDeviceChain = (): readonly Uint8Array[] =>
    parsePem(utf8(testNvidiaDevice(vendor).certChain), "CERTIFICATE");

  it("speaks of every certificate of a device's chain that the vendor issued, and of its manifests' chain", async () => {
    const devices = (["gpu", "switch"] as const).map((kind) => utf8(testNvidiaDevice(vendor, { kind }).certChain));
    for (const chain of devices) {
      const responses = ocspResponsesFor(vendor, chain, { now: SIMULATED_NOW }).map(parseOcspResponse);
      const [, boot, provisioner, family, last] = parsePem(chain, "CERTIFICATE").map((der) => parseCertificate(der));
      expect(responses).to.have.length(3);
      for (const [place, [certificate, issuer]] of [
        [boot!, provisioner!] as const,
        [provisioner!, family!] as const,
        [family!, last!] as const,
      ].entries()) {
        const { status } = await verifyOcspResponse(responses[place]!, { certificate, issuer, now: SIMULATED_NOW });
        expect(status.kind).to.equal("good");
      }
    }
    expect(NVIDIA_ROLES).to.include.members(["rimRoot", "rimCa", "rimIssuer", "rimSigner"]);
    for (const [role, issuerRole] of [
      ["rimSigner", "rimIssuer"],
      ["rimIssuer", "rimCa"],
      ["rimCa", "rimRoot"],
    ] as const) {
      const [certificate, issuer] = [authority(role), authority(issuerRole)];
      const der = answerOcsp(vendor, requestFor(certificate, issuer), { now: SIMULATED_NOW });
      const { status } = await verifyOcspResponse(parseOcspResponse(der), { certificate, issuer, now: SIMULATED_NOW });
      expect(status.kind).to.equal("good");
    }
  });
});
