import { expect } from "chai";
import { amdEndorsements, type EndorsementDefect } from "../../../../../offchain/device/simulated/amd/endorsements.ts";
import { ENDORSEMENT_DEFECTS } from "../../../../../offchain/device/simulated/amd/endorsements.ts";
import {
  FIELD_DEFECTS,
  SIGNATURE_DEFECTS,
  type AmdReportDefects,
} from "../../../../../offchain/device/simulated/amd/defects.ts";
import {
  provisionAmdPlatform,
  type AmdPlatformOptions,
} from "../../../../../offchain/device/simulated/amd/platform.ts";
import { LINES, movedTcb, PRODUCTS } from "../../../../../offchain/device/simulated/amd/product.ts";
import { simulatedAmdDevice } from "../../../../../offchain/device/simulated/amd/report.ts";
import {
  amdTrustRoot,
  revokeAuthority,
  type SimulatedAmd,
} from "../../../../../offchain/device/simulated/amd/vendor.ts";
import { workloadIdOf } from "../../../../../offchain/device/simulated/measure.ts";
import { toHex } from "../../../../../offchain/encoding/bytes.ts";
import { DEFAULT_POLICY, parsePolicy } from "../../../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../../../offchain/verifier/result.ts";
import { VENDOR_ROOTS } from "../../../../../offchain/verifier/trust-roots.ts";
import { verifyEvidence } from "../../../../../offchain/verifier/verify.ts";
import { testAmd } from "../../../../support/simulated-amd.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../../../support/simulated-intel.ts";

const REPORT_DATA = Uint8Array.from({ length: 64 }, (_zero, index) => 255 - index);
const DAY = 86_400_000;
const POLICY = { ...DEFAULT_POLICY, allowSimulated: true };

/** One machine, one report and its endorsements, with what is wrong with them. */
interface Scene {
  readonly platform?: AmdPlatformOptions;
  readonly report?: AmdReportDefects;
  readonly endorsements?: readonly EndorsementDefect[];
  readonly revoked?: "ask" | "asvk";
  readonly now?: number;
  readonly policy?: Partial<typeof POLICY>;
}

type FieldDefect = keyof typeof FIELD_DEFECTS;

/** The verdict and the first check that failed; later ones may fail for want of it. */
const summary = ({ verdict, failures: [first] }: AttestationResult): string =>
  first === undefined ? verdict : `${verdict}: ${first.id} ${first.code}`;

describe("simulated AMD evidence under the verifier", () => {
  let vendor: SimulatedAmd;
  before(async () => {
    vendor = await testAmd();
  });

  async function resultOf(scene: Scene = {}): Promise<AttestationResult> {
    const { now = SIMULATED_NOW, revoked } = scene;
    const platform = provisionAmdPlatform(vendor, { name: "machine", ...scene.platform });
    const evidence = await simulatedAmdDevice(platform, TEST_MEASUREMENTS, scene.report).quote(REPORT_DATA);
    const { product } = platform;
    const issuer =
      revoked === undefined
        ? vendor
        : revokeAuthority(vendor, { product, authority: revoked, revokedAt: SIMULATED_NOW });
    return verifyEvidence(evidence, {
      endorsements: {
        sevSnp: amdEndorsements(issuer, platform, { now: SIMULATED_NOW, defects: scene.endorsements ?? [] }),
      },
      trustRoots: [...VENDOR_ROOTS, amdTrustRoot(vendor)],
      now,
      policy: { ...POLICY, ...scene.policy },
      expectedReportData: REPORT_DATA,
    });
  }

  for (const product of PRODUCTS) {
    for (const reportVersion of ["2", "3", "5"] as const) {
      for (const signingKey of ["VCEK", "VLEK"] as const) {
        it(`affirms ${product}, version ${reportVersion}, ${signingKey}, with every claim as it was made`, async () => {
          const platform = { product, reportVersion, signingKey };
          const { verdict, simulated, claims, failures } = await resultOf({ platform });
          expect({ verdict, simulated, failures }).to.deep.equal({
            verdict: "affirming",
            simulated: true,
            failures: [],
          });
          expect(claims).to.include({ platform: "amd-sev-snp", simulated: true, debug: false });
          expect(`0x${claims?.workloadId}`).to.equal(workloadIdOf("amd-sev-snp", TEST_MEASUREMENTS));
          expect(`0x${claims?.reportData}`).to.equal(toHex(REPORT_DATA));
          expect(claims?.platformId).to.match(/^[0-9a-f]{64}$/);
          const { bl, snp, ucode } = LINES[product].tcb;
          expect(claims?.details).to.include({
            product,
            signingKey,
            vekType: signingKey,
            reportVersion: Number(reportVersion),
            reportedTcbBl: bl,
            reportedTcbSnp: snp,
            reportedTcbUcode: ucode,
          });
        });
      }
    }
  }

  it("refuses each field defect by the check that looks for it", async () => {
    const expected: Readonly<Record<FieldDefect, string>> = {
      unknownVersion: "contraindicated: evidence-format EVIDENCE_UNSUPPORTED",
      debug: "contraindicated: debug POLICY",
      migrationAgent: "warning: migration-agent POLICY",
      smtAgainstPolicy: "contraindicated: guest-policy BINDING_MISMATCH",
      policyBit17Zero: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      policyReservedBit: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      abiAboveFirmware: "contraindicated: guest-policy BINDING_MISMATCH",
      lowerVmpl: "affirming",
      hostVmpl: "contraindicated: evidence-format EVIDENCE_UNSUPPORTED",
      signatureAlgorithm: "contraindicated: evidence-format EVIDENCE_UNSUPPORTED",
      committedAboveCurrent: "contraindicated: tcb-order BINDING_MISMATCH",
      noSigningKey: "contraindicated: evidence-format EVIDENCE_UNSUPPORTED",
      maskedVcek: "contraindicated: evidence-format EVIDENCE_UNSUPPORTED",
      keyFlagsReservedBit: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      reservedAfterKeyFlags: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      zeroMeasurement: "contraindicated: measured POLICY",
      withoutIdBlock: "affirming",
      reportedTcbReserved: "contraindicated: reported-tcb EVIDENCE_MALFORMED",
      otherProcessor: "contraindicated: report-product BINDING_MISMATCH",
      reservedAfterProcessor: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      maskedChipId: "affirming",
      otherChipId: "contraindicated: chip-id BINDING_MISMATCH",
      committedFirmwareNewer: "contraindicated: tcb-order BINDING_MISMATCH",
      reservedVersionByte: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      reservedBeforeSignature: "contraindicated: evidence-format EVIDENCE_MALFORMED",
    };
    for (const product of PRODUCTS) {
      const found: Record<string, string> = {};
      for (const name of Object.keys(FIELD_DEFECTS) as FieldDefect[]) {
        found[name] = summary(await resultOf({ platform: { product }, report: { fields: [name] } }));
      }
      expect(found, product).to.deep.equal(expected);
    }
  });

  it("shows what no rule refuses among the claims", async () => {
    const detailsOf = async (field: FieldDefect) => {
      const { claims } = await resultOf({ report: { fields: [field] } });
      return { ...claims?.details, ...claims?.measurements };
    };
    expect(await detailsOf("lowerVmpl")).to.include({ vmpl: 2 });
    expect(await detailsOf("maskedChipId")).to.include({ chipId: "00".repeat(64) });
    const zero = "00".repeat(48);
    expect(await detailsOf("withoutIdBlock")).to.include({ guestSvn: 0, authorKeyEn: 0, idKeyDigest: zero });
  });

  it("is held to the level and the ID block that a policy asks for", async () => {
    const measurement = TEST_MEASUREMENTS.measurement.slice(2);
    const { claims: genuine } = await resultOf();
    const idKeyDigest = genuine?.measurements["idKeyDigest"] ?? "";
    const cases: readonly (readonly [object, FieldDefect])[] = [
      [{ measurement, vmpl: 0 }, "lowerVmpl"],
      [{ measurement, idKeyDigest }, "withoutIdBlock"],
      [{ measurement, guestSvn: { minimum: 1 } }, "withoutIdBlock"],
    ];
    for (const [set, defect] of cases) {
      const policy = parsePolicy({ allowSimulated: true, measurements: [set] });
      expect(summary(await resultOf({ policy }))).to.equal("affirming");
      const refused = await resultOf({ policy, report: { fields: [defect] } });
      expect(summary(refused), JSON.stringify(set)).to.equal("contraindicated: workload POLICY");
    }
  });

  it("refuses a migration agent where the policy does", async () => {
    const scene = { report: { fields: ["migrationAgent"] }, policy: { allowServiceTd: false } } as const;
    expect(summary(await resultOf(scene))).to.equal("contraindicated: migration-agent POLICY");
  });

  it("refuses every defect of the signature and of the transport", async () => {
    const expected: Readonly<Record<(typeof SIGNATURE_DEFECTS)[number], string>> = {
      forged: "contraindicated: report-signature SIGNATURE_INVALID",
      bigEndian: "contraindicated: report-signature SIGNATURE_INVALID",
      wideR: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      wideS: "contraindicated: evidence-format EVIDENCE_MALFORMED",
      dirtyRest: "contraindicated: evidence-format EVIDENCE_MALFORMED",
    };
    for (const signature of SIGNATURE_DEFECTS) {
      expect(summary(await resultOf({ report: { signature } })), signature).to.equal(expected[signature]);
    }
    const cases: [AmdReportDefects, string][] = [
      [{ reportData: new Uint8Array(64) }, "contraindicated: report-data BINDING_MISMATCH"],
      [{ flippedByte: 0x90 }, "contraindicated: report-signature SIGNATURE_INVALID"],
      [{ truncatedBy: 1 }, "contraindicated: evidence-format EVIDENCE_MALFORMED"],
    ];
    for (const [report, wanted] of cases) expect(summary(await resultOf({ report }))).to.equal(wanted);
  });

  it("refuses what the endorsements do not carry", async () => {
    const expected: Readonly<Record<EndorsementDefect, string>> = {
      vekOfOtherTcb: "contraindicated: reported-tcb BINDING_MISMATCH",
      vekOfOtherChip: "contraindicated: chip-id BINDING_MISMATCH",
      vekOfOtherProduct: "contraindicated: vek-chain CHAIN_UNTRUSTED",
      chainOfOtherProduct: "contraindicated: report-product BINDING_MISMATCH",
      vekOfOtherType: "contraindicated: vek-chain CHAIN_UNTRUSTED",
      forgedVek: "contraindicated: vek-chain SIGNATURE_INVALID",
      expiredVek: "contraindicated: vek-chain CERTIFICATE_EXPIRED",
      expiredIssuer: "contraindicated: vek-chain CERTIFICATE_EXPIRED",
      expiredRoot: "contraindicated: vek-chain CERTIFICATE_EXPIRED",
      askAsArk: "contraindicated: vek-chain CHAIN_UNTRUSTED",
      missingVek: "none: vek-chain NOT_CHECKED",
      missingCrl: "warning: ark-crl NOT_CHECKED",
      forgedCrl: "none: ark-crl ENDORSEMENT_INVALID",
      expiredCrl: "none: ark-crl ENDORSEMENT_EXPIRED",
      crlOfOtherProduct: "none: ark-crl ENDORSEMENT_INVALID",
    };
    for (const product of PRODUCTS) {
      const found: Record<string, string> = {};
      for (const defect of ENDORSEMENT_DEFECTS) {
        found[defect] = summary(await resultOf({ platform: { product }, endorsements: [defect] }));
      }
      expect(found, product).to.deep.equal(expected);
    }
  });

  it("refuses a revoked issuer and nobody else's", async () => {
    const cases: ["VCEK" | "VLEK", "ask" | "asvk", string][] = [
      ["VCEK", "ask", "contraindicated: ark-crl CERTIFICATE_REVOKED"],
      ["VLEK", "asvk", "contraindicated: ark-crl CERTIFICATE_REVOKED"],
      ["VCEK", "asvk", "affirming"],
      ["VLEK", "ask", "affirming"],
    ];
    for (const [signingKey, revoked, wanted] of cases) {
      expect(summary(await resultOf({ platform: { signingKey }, revoked }))).to.equal(wanted);
    }
  });

  it("holds the machine's own TCB versions against each other", async () => {
    for (const product of PRODUCTS) {
      const { tcb } = LINES[product];
      const reported = (by: number): Scene => ({ platform: { product, reported: movedTcb(product, tcb, by) } });
      expect(summary(await resultOf(reported(1)))).to.equal("contraindicated: tcb-order BINDING_MISMATCH");
      expect(summary(await resultOf(reported(-1)))).to.equal("affirming");
      expect(summary(await resultOf({ platform: { product, uncommitted: 1 } }))).to.equal("affirming");
    }
  });

  it("ends with the earliest of its certificates and its list", async () => {
    const { claims } = await resultOf();
    expect(claims?.validUntil).to.equal(SIMULATED_NOW - 3_600_000 + 365 * DAY);
    const later = await resultOf({ now: SIMULATED_NOW + 366 * DAY });
    expect(summary(later)).to.equal("none: ark-crl ENDORSEMENT_EXPIRED");
  });

  it("is refused where nobody allows simulated machines or trusts their root", async () => {
    expect(summary(await resultOf({ policy: { allowSimulated: false } }))).to.equal(
      "contraindicated: trust-root POLICY",
    );
    const platform = provisionAmdPlatform(vendor, { name: "machine" });
    const evidence = await simulatedAmdDevice(platform, TEST_MEASUREMENTS).quote(REPORT_DATA);
    const sevSnp = amdEndorsements(vendor, platform, { now: SIMULATED_NOW });
    const options = { endorsements: { sevSnp }, now: SIMULATED_NOW, policy: POLICY };
    const untrusted = await verifyEvidence(evidence, { ...options, trustRoots: VENDOR_ROOTS });
    expect(summary(untrusted)).to.equal("contraindicated: vek-chain CHAIN_UNTRUSTED");
  });
});
