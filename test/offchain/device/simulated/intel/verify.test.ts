import { expect } from "chai";
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
  readonly revoked?: (platform: PlatformFile, vendor: SimulatedVendor) => SimulatedVendor;
  readonly now?: number;
}

describe("simulated Intel evidence under the verifier", () => {
  const vendor = testVendor();

  async function resultOf(tee: PlatformFile["tee"], scene: Scene = {}): Promise<AttestationResult> {
    const platform = provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "machine", ...scene.platform });
    const issuer = scene.revoked?.(platform, vendor) ?? vendor;
    const evidence = await simulatedDevice(platform, TEST_MEASUREMENTS, scene.quote).quote(REPORT_DATA);
    return verifyEvidence(evidence, {
      endorsements: { dcap: testEndorsements(issuer, platform, { defects: scene.collateral ?? {} }) },
      trustRoots: [INTEL_ROOT, simulatedTrustRoot(vendor)],
      now: scene.now ?? SIMULATED_NOW,
      policy: SIMULATED_POLICY,
      expectedReportData: REPORT_DATA,
    });
  }

  const summary = ({ verdict, failures }: AttestationResult): string =>
    [verdict, ...failures.map(({ id, code }) => `${id}:${code}`)].join(" ");

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

      it("is refused with each defect", async () => {
        const contraindicated: Record<string, Scene> = {
          "a flipped byte of the report": { quote: { flippedByte: 200 } },
          "a quote cut short": { quote: { truncatedBy: 1 } },
          "debug mode": { quote: { debug: true } },
          "a replay": { quote: { reportData: new Uint8Array(64).fill(9) } },
          "a forged signature": { quote: { forgedSignature: true } },
          "a foreign attestation key": { quote: { foreignAttestationKey: true } },
          "a forged QE report": { quote: { forgedQeReport: true } },
          "a foreign QE": { quote: { foreignQe: true } },
          "a QE in debug mode": { quote: { debugQe: true } },
          "QE report data with a rest": { quote: { dirtyQeReportData: true } },
          "a revoked TCB": { platform: { tcb: "Revoked" } },
          "a TCB below every level": { platform: { tcb: "Unknown" } },
          "a revoked QE": { platform: { quotingEnclave: "Revoked" } },
          "a QE below every level": { platform: { quotingEnclave: "Unknown" } },
          "an expired PCK": { platform: { notAfter: SIMULATED_NOW - DAY } },
          "a revoked PCK": {
            revoked: ({ ca, pckSerial }) => revoke(vendor, { issuer: ca, serial: pckSerial, revokedAt: SIMULATED_NOW }),
          },
        };
        const found: Record<string, string> = {};
        for (const [name, scene] of Object.entries(contraindicated)) found[name] = summary(await resultOf(tee, scene));
        for (const [name, text] of Object.entries(found)) expect(text, name).to.match(/^contraindicated /);
      });

      it("is never affirmed under bad collateral", async () => {
        const scenes: Record<string, Scene> = {
          "edited TCB info": { collateral: { editedTcbInfo: true } },
          "signed by a PCK CA": { collateral: { signedByPckCa: "platform" } },
          "another family": { collateral: { fmspc: "0x51ad00000002" } },
          "a forged PCK CRL": { collateral: { forgedPckCrl: true } },
          "another QE signer": { collateral: { foreignQeSigner: true } },
          "stale documents": { now: SIMULATED_NOW + 31 * DAY },
          "documents of the future": { now: SIMULATED_NOW - DAY / 2 },
        };
        for (const [name, scene] of Object.entries(scenes)) {
          const result = await resultOf(tee, scene);
          expect(result.verdict, name).to.be.oneOf(["none", "contraindicated"]);
          expect(result.failures, name).to.not.be.empty;
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
