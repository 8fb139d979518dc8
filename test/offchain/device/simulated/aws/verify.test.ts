import { expect } from "chai";
import { LEAF_DEFECTS } from "../../../../../offchain/device/simulated/aws/certificates.ts";
import {
  DOCUMENT_DEFECTS,
  MESSAGE_DEFECTS,
  type NitroDefects,
} from "../../../../../offchain/device/simulated/aws/defects.ts";
import { simulatedAwsDevice, type NitroOptions } from "../../../../../offchain/device/simulated/aws/document.ts";
import { provisionAwsPlatform } from "../../../../../offchain/device/simulated/aws/platform.ts";
import { awsTrustRoot, createSimulatedAws } from "../../../../../offchain/device/simulated/aws/vendor.ts";
import { workloadIdOf } from "../../../../../offchain/device/simulated/measure.ts";
import { toHex } from "../../../../../offchain/encoding/bytes.ts";
import { DEFAULT_POLICY } from "../../../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../../../offchain/verifier/result.ts";
import { VENDOR_ROOTS } from "../../../../../offchain/verifier/trust-roots.ts";
import { verifyEvidence, type VerifyOptions } from "../../../../../offchain/verifier/verify.ts";
import { testAws } from "../../../../support/simulated-aws.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../../../support/simulated-intel.ts";

const REPORT_DATA = Uint8Array.from({ length: 64 }, (_zero, index) => 255 - index);
const NONCE = Uint8Array.of(1, 2, 3);
const HOUR = 3_600_000;
const POLICY = { ...DEFAULT_POLICY, allowSimulated: true };

/** One document and how it is verified, with what is wrong with it. */
interface Scene {
  readonly device?: NitroOptions;
  readonly defects?: NitroDefects;
  /** When the instance was certified, before now. */
  readonly certifiedBefore?: number;
  readonly options?: Partial<VerifyOptions>;
}

/** The verdict and the first check that failed; later ones may fail for want of it. */
const summary = ({ verdict, failures: [first] }: AttestationResult): string =>
  first === undefined ? verdict : `${verdict}: ${first.id} ${first.code}`;

describe("simulated AWS evidence under the verifier", () => {
  const vendor = testAws();

  async function resultOf(scene: Scene = {}): Promise<AttestationResult> {
    const certified = SIMULATED_NOW - (scene.certifiedBefore ?? 0);
    const platform = provisionAwsPlatform(vendor, { now: certified, name: "machine" });
    const options = { now: () => SIMULATED_NOW, ...scene.device, defects: scene.defects ?? {} };
    const evidence = await simulatedAwsDevice(platform, TEST_MEASUREMENTS, options).quote(REPORT_DATA);
    return verifyEvidence(evidence, {
      endorsements: {},
      trustRoots: [...VENDOR_ROOTS, awsTrustRoot(vendor)],
      now: SIMULATED_NOW,
      policy: POLICY,
      expectedReportData: REPORT_DATA,
      ...scene.options,
    });
  }

  it("is affirmed without a failure, with every claim as it was made", async () => {
    const { verdict, simulated, claims, failures } = await resultOf();
    expect({ verdict, simulated, failures }).to.deep.equal({ verdict: "affirming", simulated: true, failures: [] });
    expect(claims).to.include({ platform: "aws-nitro", simulated: true, debug: false });
    expect(`0x${claims?.workloadId}`).to.equal(workloadIdOf("aws-nitro", TEST_MEASUREMENTS));
    expect(`0x${claims?.reportData}`).to.equal(toHex(REPORT_DATA));
    expect(claims?.platformId).to.match(/^[0-9a-f]{64}$/);
    expect(claims?.validUntil).to.equal(SIMULATED_NOW + 3 * HOUR);
    expect(Object.keys(claims?.measurements ?? {})).to.have.length(16);
  });

  it("carries a nonce and a public key where it is given them", async () => {
    const publicKey = new Uint8Array(1024).fill(7);
    const { verdict, claims } = await resultOf({
      device: { nonce: NONCE, publicKey },
      options: { expectedNonce: NONCE },
    });
    expect(verdict).to.equal("affirming");
    expect(claims?.details).to.include({ nonce: "010203", publicKey: "07".repeat(1024) });
    const options = { expectedNonce: NONCE };
    for (const device of [{}, { nonce: Uint8Array.of(1, 2) }]) {
      expect(summary(await resultOf({ device, options }))).to.equal("contraindicated: document-nonce BINDING_MISMATCH");
    }
  });

  it("refuses each defect of the document by the check that looks for it", async () => {
    const malformed = "contraindicated: evidence-format EVIDENCE_MALFORMED";
    const expected: Readonly<Record<keyof typeof DOCUMENT_DEFECTS, string>> = {
      debug: "contraindicated: debug POLICY",
      noModuleId: malformed,
      emptyModuleId: malformed,
      otherDigest: malformed,
      noTimestamp: malformed,
      zeroTimestamp: malformed,
      futureTimestamp: "contraindicated: document-time CERTIFICATE_EXPIRED",
      pastTimestamp: "contraindicated: document-time CERTIFICATE_EXPIRED",
      noPcrs: malformed,
      missingPcr: malformed,
      pcrLength: malformed,
      pcrsOfTwoLengths: malformed,
      pcrNumber: malformed,
      noCertificate: malformed,
      emptyBundle: malformed,
      reversedBundle: "contraindicated: document-chain CHAIN_UNTRUSTED",
      bundleWithoutRoot: "contraindicated: document-chain CHAIN_UNTRUSTED",
      bundleWithoutZone: "contraindicated: document-chain CHAIN_UNTRUSTED",
      longUserData: malformed,
      noUserData: "contraindicated: report-data BINDING_MISMATCH",
      longNonce: malformed,
      longPublicKey: malformed,
      furtherField: malformed,
    };
    const found: Record<string, string> = {};
    for (const document of Object.keys(DOCUMENT_DEFECTS) as (keyof typeof DOCUMENT_DEFECTS)[]) {
      found[document] = summary(await resultOf({ defects: { document } }));
    }
    expect(found).to.deep.equal(expected);
  });

  it("refuses each defect of the message, of the enclave's certificate and of the transport", async () => {
    const headers = "contraindicated: cose-headers EVIDENCE_UNSUPPORTED";
    const ofMessage: Readonly<Record<keyof typeof MESSAGE_DEFECTS, string>> = {
      otherAlgorithm: headers,
      noAlgorithm: headers,
      furtherHeader: headers,
      unprotectedHeader: "contraindicated: cose-headers EVIDENCE_MALFORMED",
    };
    const ofLeaf: Readonly<Record<(typeof LEAF_DEFECTS)[number], string>> = {
      expired: "contraindicated: document-chain CERTIFICATE_EXPIRED",
      notYetValid: "contraindicated: document-chain CERTIFICATE_EXPIRED",
      authority: "contraindicated: document-signer CHAIN_UNTRUSTED",
      maySignNothing: "contraindicated: document-signer CHAIN_UNTRUSTED",
      forged: "contraindicated: document-chain SIGNATURE_INVALID",
    };
    const cases: [NitroDefects, string][] = [
      ...Object.entries(ofMessage).map(([message, wanted]): [NitroDefects, string] => [
        { message: message as keyof typeof MESSAGE_DEFECTS },
        wanted,
      ]),
      ...LEAF_DEFECTS.map((leaf): [NitroDefects, string] => [{ leaf }, ofLeaf[leaf]]),
      [{ forgedSignature: true }, "contraindicated: document-signature SIGNATURE_INVALID"],
      [{ reportData: new Uint8Array(64) }, "contraindicated: report-data BINDING_MISMATCH"],
      [{ flippedByte: 20 }, "contraindicated: evidence-format EVIDENCE_MALFORMED"],
      [{ truncatedBy: 1 }, "contraindicated: evidence-format EVIDENCE_MALFORMED"],
    ];
    for (const [defects, wanted] of cases) {
      expect(summary(await resultOf({ defects })), JSON.stringify(defects)).to.equal(wanted);
    }
  });

  it("is refused when any certificate above the enclave's has ended", async () => {
    const expired = "contraindicated: document-chain CERTIFICATE_EXPIRED";
    for (const days of [1, 6, 20]) {
      expect(summary(await resultOf({ certifiedBefore: 24 * HOUR * days }))).to.equal(expired);
    }
    expect(summary(await resultOf({ certifiedBefore: 20 * HOUR }))).to.equal("affirming");
    expect(summary(await resultOf({ options: { now: SIMULATED_NOW + 3 * HOUR + 1000 } }))).to.equal(expired);
  });

  it("is refused where nobody allows simulated machines or trusts their root", async () => {
    const unwanted = await resultOf({ options: { policy: DEFAULT_POLICY } });
    expect(summary(unwanted)).to.equal("contraindicated: trust-root POLICY");
    const other = awsTrustRoot(createSimulatedAws({ now: SIMULATED_NOW }));
    const untrusted = await resultOf({ options: { trustRoots: [...VENDOR_ROOTS, other] } });
    expect(summary(untrusted)).to.equal("contraindicated: document-chain CHAIN_UNTRUSTED");
  });
});
