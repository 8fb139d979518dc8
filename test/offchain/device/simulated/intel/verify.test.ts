import { expect } from "chai";
import { X509Certificate } from "node:crypto";
import type { CollateralDefects } from "../../../../../offchain/device/simulated/intel/collateral.ts";
import type { PlatformFile } from "../../../../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform } from "../../../../../offchain/device/simulated/intel/platform.ts";
import type { PlatformOptions } from "../../../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../../../offchain/device/simulated/intel/quote.ts";
import type { QuoteDefects } from "../../../../../offchain/device/simulated/intel/quote.ts";
import {
  createSimulatedVendor,
  revoke,
  simulatedTrustRoot,
} from "../../../../../offchain/device/simulated/intel/vendor.ts";
import type { SimulatedVendor } from "../../../../../offchain/device/simulated/intel/vendor.ts";
import { workloadIdOf } from "../../../../../offchain/device/simulated/measure.ts";
import { toHex } from "../../../../../offchain/encoding/bytes.ts";
import { DEFAULT_POLICY } from "../../../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../../../offchain/verifier/result.ts";
import { INTEL_ROOT } from "../../../../../offchain/verifier/trust-roots.ts";
import { verifyEvidence } from "../../../../../offchain/verifier/verify.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../../../support/simulated-intel.ts";

const REPORT_DATA = Uint8Array.from({ length: 64 }, (_zero, index) => 255 - index);
const DAY = 86_400_000;
const SIMULATED_POLICY = { ...DEFAULT_POLICY, allowSimulated: true };

/** One machine, one quote and its collateral, with what is wrong with them. */
interface Scene {
  readonly platform?: Partial<PlatformOptions>;
  readonly quote?: QuoteDefects;
  readonly collateral?: CollateralDefects;
  readonly revoked?: (platform: PlatformFile) => SimulatedVendor;
  readonly now?: number;
}

describe("simulated Intel evidence under the verifier", () => {
  const vendor = testVendor();

  const withoutPck = ({ ca, pckSerial }: PlatformFile): SimulatedVendor =>
    revoke(vendor, { issuer: ca, serial: pckSerial, revokedAt: SIMULATED_NOW });

  const withoutCa = ({ ca }: PlatformFile): SimulatedVendor => {
    const { serialNumber } = new X509Certificate(Buffer.from(vendor.certificates[ca].slice(2), "hex"));
    return revoke(vendor, { issuer: "root", serial: `0x${serialNumber.toLowerCase()}`, revokedAt: SIMULATED_NOW });
  };

  async function resultOf(tee: PlatformFile["tee"], scene: Scene = {}): Promise<AttestationResult> {
    const platform = provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "machine", ...scene.platform });
    const issuer = scene.revoked?.(platform) ?? vendor;
    const evidence = await simulatedDevice(platform, TEST_MEASUREMENTS, scene.quote).quote(REPORT_DATA);
    return verifyEvidence(evidence, {
      endorsements: { dcap: testEndorsements(issuer, platform, { defects: scene.collateral ?? {} }) },
      trustRoots: [INTEL_ROOT, simulatedTrustRoot(vendor)],
      now: scene.now ?? SIMULATED_NOW,
      policy: SIMULATED_POLICY,
      expectedReportData: REPORT_DATA,
    });
  }

  /** The verdict and the first check that failed; later ones may fail for want of it. */
  const summary = ({ verdict, failures: [first] }: AttestationResult): string =>
    `${verdict}: ${first?.id} ${first?.code}`;

  for (const tee of ["intel-sgx", "intel-tdx"] as const) {
    describe(tee, () => {
      it("is affirmed without a failure, with every claim as it was made", async () => {
        const { verdict, simulated, claims, failures } = await resultOf(tee);
        expect({ verdict, simulated, failures }).to.deep.equal({ verdict: "affirming", simulated: true, failures: [] });
        expect(claims).to.include({ platform: tee, simulated: true, debug: false });
        expect(`0x${claims?.workloadId}`).to.equal(workloadIdOf(tee, TEST_MEASUREMENTS));
        expect(`0x${claims?.reportData}`).to.equal(toHex(REPORT_DATA));
        expect(claims?.tcb).to.include({ status: "UpToDate", evaluationDataNumber: 20 });
        const names = tee === "intel-sgx" ? ["mrenclave", "mrsigner"] : ["mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"];
        for (const name of names) {
          expect(`0x${claims?.measurements[name]}`).to.equal(
            Object.entries(TEST_MEASUREMENTS).find(([key]) => key === name)?.[1],
          );
        }
      });

      it("has the TCB status that the machine was given", async () => {
        for (const tcb of [
          "SWHardeningNeeded",
          "ConfigurationNeeded",
          "ConfigurationAndSWHardeningNeeded",
          "OutOfDate",
          "OutOfDateConfigurationNeeded",
        ] as const) {
          const { verdict, claims } = await resultOf(tee, { platform: { tcb } });
          expect({ verdict, status: claims?.tcb?.status }).to.deep.equal({ verdict: "warning", status: tcb });
        }
        const { claims } = await resultOf(tee, { platform: { quotingEnclave: "OutOfDate" } });
        expect(claims?.tcb?.status).to.equal("OutOfDate");
      });

      it("is contraindicated with each defect, by the check that looks for it", async () => {
        const cases: [string, Scene][] = [
          ["quote-signature SIGNATURE_INVALID", { quote: { flippedByte: 200 } }],
          ["evidence-format EVIDENCE_MALFORMED", { quote: { truncatedBy: 1 } }],
          ["debug POLICY", { quote: { debug: true } }],
          ["report-data BINDING_MISMATCH", { quote: { reportData: new Uint8Array(64).fill(9) } }],
          ["quote-signature SIGNATURE_INVALID", { quote: { forgedSignature: true } }],
          ["qe-report-binding BINDING_MISMATCH", { quote: { foreignAttestationKey: true } }],
          ["qe-report-signature SIGNATURE_INVALID", { quote: { forgedQeReport: true } }],
          ["qe-identity-match CHAIN_UNTRUSTED", { quote: { foreignQe: true } }],
          ["qe-identity-match CHAIN_UNTRUSTED", { quote: { debugQe: true } }],
          ["qe-report-binding BINDING_MISMATCH", { quote: { dirtyQeReportData: true } }],
          ["tcb-status POLICY", { platform: { tcb: "Revoked" } }],
          ["tcb-level EVIDENCE_UNSUPPORTED", { platform: { tcb: "Unknown" } }],
          ["tcb-status POLICY", { platform: { quotingEnclave: "Revoked" } }],
          ["qe-identity-match EVIDENCE_UNSUPPORTED", { platform: { quotingEnclave: "Unknown" } }],
          ["pck-chain CERTIFICATE_EXPIRED", { platform: { notAfter: SIMULATED_NOW - DAY } }],
          ["pck-revocation CERTIFICATE_REVOKED", { revoked: withoutPck }],
          ["pck-ca-revocation CERTIFICATE_REVOKED", { revoked: withoutCa }],
          ["qe-identity-match CHAIN_UNTRUSTED", { collateral: { foreignQeSigner: true } }],
        ];
        for (const [expected, scene] of cases) {
          expect(summary(await resultOf(tee, scene)), JSON.stringify(scene)).to.equal(`contraindicated: ${expected}`);
        }
      });

      it("is not judged under collateral that does not hold", async () => {
        const cases: [string, Scene][] = [
          ["tcb-info ENDORSEMENT_INVALID", { collateral: { editedTcbInfo: true } }],
          ["tcb-signer ENDORSEMENT_INVALID", { collateral: { signedByPckCa: "platform" } }],
          ["tcb-signer ENDORSEMENT_INVALID", { collateral: { signedByPckCa: "processor" } }],
          ["tcb-info-match ENDORSEMENT_INVALID", { collateral: { fmspc: "0x51ad00000002" } }],
          ["pck-revocation ENDORSEMENT_INVALID", { collateral: { forgedPckCrl: true } }],
          ["pck-revocation ENDORSEMENT_EXPIRED", { now: SIMULATED_NOW + 31 * DAY }],
          ["root-crl ENDORSEMENT_EXPIRED", { now: SIMULATED_NOW - DAY / 2 }],
        ];
        for (const [expected, scene] of cases) {
          expect(summary(await resultOf(tee, scene)), JSON.stringify(scene)).to.equal(`none: ${expected}`);
        }
      });

      it("is refused where nobody allows simulated machines or trusts their root", async () => {
        const platform = provisionPlatform(vendor, { tee, now: SIMULATED_NOW });
        const evidence = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(REPORT_DATA);
        const endorsements = { dcap: testEndorsements(vendor, platform) };
        const options = { endorsements, now: SIMULATED_NOW, policy: SIMULATED_POLICY };
        const other = simulatedTrustRoot(createSimulatedVendor({ now: SIMULATED_NOW }));
        const untrusted = await verifyEvidence(evidence, { ...options, trustRoots: [INTEL_ROOT, other] });
        expect(untrusted.verdict).to.equal("contraindicated");
        expect(untrusted.claims).to.equal(null);
        const trustRoots = [simulatedTrustRoot(vendor)];
        const unwanted = await verifyEvidence(evidence, { ...options, trustRoots, policy: DEFAULT_POLICY });
        expect(unwanted).to.include({ verdict: "contraindicated", simulated: true });
      });
    });
  }

  it("gives a TDX module its own status", async () => {
    const status = async (tdxModule: PlatformOptions["tdxModule"]): Promise<string> => {
      const { verdict, claims } = await resultOf("intel-tdx", {
        platform: tdxModule === undefined ? {} : { tdxModule },
      });
      return `${verdict} ${claims?.tcb?.status ?? ""}`;
    };
    expect(await status("UpToDate")).to.equal("affirming UpToDate");
    expect(await status("OutOfDate")).to.equal("warning OutOfDate");
    expect(await status("Revoked")).to.match(/^contraindicated/);
    expect(await status("Unknown")).to.match(/^contraindicated/);
  });
});
