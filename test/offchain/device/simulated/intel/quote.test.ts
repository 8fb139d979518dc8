import { expect } from "chai";
import { parseQuote } from "../../../../../offchain/evidence/dcap/quote.ts";
import type { CollateralDefects } from "../../../../../offchain/device/simulated/intel/collateral.ts";
import type { PlatformFile } from "../../../../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform } from "../../../../../offchain/device/simulated/intel/platform.ts";
import type { PlatformOptions } from "../../../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../../../offchain/device/simulated/intel/quote.ts";
import type { QuoteDefects } from "../../../../../offchain/device/simulated/intel/quote.ts";
import { sgxExtension } from "../../../../../offchain/device/simulated/intel/sgx-extension.ts";
import { createSimulatedVendor, revoke } from "../../../../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../../../../offchain/encoding/bytes.ts";
import {
  peerVerdict,
  SIMULATED_NOW,
  TEST_MEASUREMENTS,
  testEndorsements,
  testVendor,
} from "../../../../support/simulated-intel.ts";

const REPORT_DATA = Uint8Array.from({ length: 64 }, (_zero, index) => index);
const DAY = 86_400_000;
const TEES = ["intel-sgx", "intel-tdx"] as const;

describe("simulated Intel device", () => {
  const vendor = testVendor();

  const make = (tee: PlatformFile["tee"], options: Partial<PlatformOptions> = {}): PlatformFile =>
    provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "machine", ...options });

  async function quoteOf(platform: PlatformFile, defects: QuoteDefects = {}): Promise<Uint8Array> {
    return simulatedDevice(platform, TEST_MEASUREMENTS, defects).quote(REPORT_DATA);
  }

  it("says what it is", () => {
    for (const tee of TEES) {
      expect(simulatedDevice(make(tee), TEST_MEASUREMENTS)).to.include({ platform: tee, simulated: true });
    }
  });

  it("refuses report data of another length", async () => {
    const device = simulatedDevice(make("intel-sgx"), TEST_MEASUREMENTS);
    for (const length of [0, 32, 63, 65]) {
      const refused = await device.quote(new Uint8Array(length)).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(RangeError);
    }
  });

  it("puts measurements and report data where Intel's formats have them", async () => {
    const sgx = parseQuote(await quoteOf(make("intel-sgx")));
    expect(sgx).to.include({ version: 3, tee: "sgx" });
    if (sgx.body.kind !== "sgx") throw new TypeError("no enclave report");
    expect(toHex(sgx.body.mrenclave)).to.equal(TEST_MEASUREMENTS.mrenclave);
    expect(toHex(sgx.body.mrsigner)).to.equal(TEST_MEASUREMENTS.mrsigner);
    expect(sgx.body.reportData).to.deep.equal(REPORT_DATA);
    const tdx = parseQuote(await quoteOf(make("intel-tdx")));
    expect(tdx).to.include({ version: 4, tee: "tdx" });
    if (tdx.body.kind !== "td") throw new TypeError("no TD report");
    const { mrtd, mrconfigid, mrowner, mrownerconfig, rtmr } = tdx.body;
    const names = ["mrtd", "mrconfigid", "mrowner", "mrownerconfig", "rtmr0", "rtmr1", "rtmr2", "rtmr3"] as const;
    const expected = names.map((name) => TEST_MEASUREMENTS[name]);
    expect([mrtd, mrconfigid, mrowner, mrownerconfig, ...rtmr].map(toHex)).to.deep.equal(expected);
    expect(tdx.body.reportData).to.deep.equal(REPORT_DATA);
  });

  describe("under an independent verifier that trusts the simulated root", () => {
    for (const tee of TEES) {
      const refusalOf = async (defect: {
        quote?: QuoteDefects;
        platform?: Partial<PlatformOptions>;
        collateral?: CollateralDefects;
        now?: number;
      }): Promise<string> => {
        const platform = make(tee, defect.platform);
        const endorsements = testEndorsements(vendor, platform, { defects: defect.collateral ?? {} });
        return peerVerdict(vendor, await quoteOf(platform, defect.quote), endorsements, defect.now);
      };

      it(`${tee}: every status that is not Revoked is accepted as it is`, async () => {
        for (const tcb of [
          "UpToDate",
          "SWHardeningNeeded",
          "ConfigurationNeeded",
          "ConfigurationAndSWHardeningNeeded",
          "OutOfDate",
          "OutOfDateConfigurationNeeded",
        ] as const) {
          expect(await refusalOf({ platform: { tcb } })).to.equal(tcb);
        }
        expect(await refusalOf({ platform: { quotingEnclave: "OutOfDate" } })).to.equal("OutOfDate");
        expect(await refusalOf({ platform: { ca: tee === "intel-sgx" ? "platform" : "processor" } })).to.equal(
          "UpToDate",
        );
      });

      it(`${tee}: every defect that it looks for is refused for its own reason`, async () => {
        const cases: [Parameters<typeof refusalOf>[0], RegExp][] = [
          [{ quote: { flippedByte: 100 } }, /ISV enclave report signature/],
          [{ quote: { debug: true } }, /Debug mode/],
          [{ quote: { forgedSignature: true } }, /ISV enclave report signature/],
          [{ quote: { foreignAttestationKey: true } }, /QE report hash mismatch/],
          [{ quote: { forgedQeReport: true } }, /Signature is invalid for qe_report/],
          [{ quote: { foreignQe: true } }, /QE MRSIGNER mismatch/],
          [{ quote: { debugQe: true } }, /Debug mode/],
          [{ quote: { truncatedBy: 1 } }, /decode quote/],
          [{ platform: { tcb: "Revoked" } }, /TCB status is invalid/],
          [{ platform: { tcb: "Unknown" } }, /No matching TCB level/],
          [{ platform: { quotingEnclave: "Revoked" } }, /TCB status is invalid/],
          [{ platform: { quotingEnclave: "Unknown" } }, /ISVSVN 1 is below/],
          [{ platform: { notAfter: SIMULATED_NOW - DAY } }, /expired/i],
          [{ collateral: { editedTcbInfo: true } }, /Signature is invalid for tcb_info/],
          [{ collateral: { fmspc: "0x51ad00000002" } }, /Fmspc mismatch/],
          [{ collateral: { foreignQeSigner: true } }, /QE MRSIGNER mismatch/],
          [{ now: SIMULATED_NOW + 31 * DAY }, /TCBInfo expired/],
          [{ now: SIMULATED_NOW - DAY / 2 }, /in the future/],
        ];
        for (const [defect, reason] of cases) expect(await refusalOf(defect), JSON.stringify(defect)).to.match(reason);
      });

      it(`${tee}: a revoked PCK and the machine of another vendor are refused`, async () => {
        const platform = make(tee);
        const quote = await quoteOf(platform);
        const revoked = revoke(vendor, { issuer: platform.ca, serial: platform.pckSerial, revokedAt: SIMULATED_NOW });
        expect(peerVerdict(revoked, quote, testEndorsements(revoked, platform))).to.match(/revoked/i);
        const other = createSimulatedVendor({ now: SIMULATED_NOW });
        const foreign = provisionPlatform(other, { tee, now: SIMULATED_NOW });
        expect(peerVerdict(vendor, await quoteOf(foreign), testEndorsements(vendor, platform))).to.match(/^refused/);
      });
    }
  });

  it("replays report data when told to", async () => {
    const quote = parseQuote(await quoteOf(make("intel-sgx"), { reportData: new Uint8Array(64).fill(9) }));
    expect(quote.body.reportData).to.deep.equal(new Uint8Array(64).fill(9));
  });

  it("refuses to invert a byte that the quote does not have", async () => {
    const refused = await quoteOf(make("intel-sgx"), { flippedByte: 1 << 20 }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(RangeError);
  });

  it("writes the SGX extension byte for byte as Intel does", () => {
    const components = [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
    const extension = sgxExtension({
      ca: "platform",
      ppid: new Uint8Array(16).fill(0x11),
      components,
      pceSvn: 11,
      pceId: new Uint8Array(2),
      fmspc: Uint8Array.of(0xb0, 0xc0, 0x6f, 0, 0, 0),
      platformInstanceId: new Uint8Array(16).fill(0x22),
    });
    const oid = (suffix: string): string =>
      `06${(9 + suffix.length / 2).toString(16).padStart(2, "0")}2a864886f84d010d01${suffix}`;
    const svn = (index: number, value: number): string =>
      `3010${oid(`02${index.toString(16).padStart(2, "0")}`)}0201${value.toString(16).padStart(2, "0")}`;
    const cpuSvn = Buffer.from(components).toString("hex");
    const expected = [
      "30820226",
      `301e${oid("01")}0410${"11".repeat(16)}`,
      `30820163${oid("02")}30820153`,
      ...components.map((value, index) => svn(index + 1, value)),
      `${svn(17, 11)}301f${oid("0212")}0410${cpuSvn}`,
      `3010${oid("03")}04020000`,
      `3014${oid("04")}0406b0c06f000000`,
      `300f${oid("05")}0a0101`,
      `301e${oid("06")}0410${"22".repeat(16)}`,
      `3044${oid("07")}3036`,
      ...["0701", "0702", "0703"].map((suffix) => `3010${oid(suffix)}0101ff`),
    ].join("");
    expect(toHex(extension.value)).to.equal(`0x${expected}`);
    expect(extension).to.include({ oid: "1.2.840.113741.1.13.1", critical: false });
  });
});
