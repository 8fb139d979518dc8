import { expect } from "chai";
import { amdVendorToJson } from "../../../../offchain/device/simulated/amd/vendor.ts";
import { awsVendorToJson } from "../../../../offchain/device/simulated/aws/vendor.ts";
import { vendorToJson } from "../../../../offchain/device/simulated/intel/vendor.ts";
import { provisionMachine, readMachine } from "../../../../offchain/device/simulated/machine.ts";
import type { SimulatedPlatform } from "../../../../offchain/device/simulated/measure.ts";
import { openSimulated, SIMULATED_KINDS } from "../../../../offchain/device/simulated/open.ts";
import { detect } from "../../../../offchain/verifier/detect.ts";
import { codeOf } from "../../../support/errors.ts";
import { testAmd } from "../../../support/simulated-amd.ts";
import { testAws } from "../../../support/simulated-aws.ts";
import { TEST_MEASUREMENTS, testVendor } from "../../../support/simulated-intel.ts";

const REPORT_DATA = new Uint8Array(64).fill(5);

describe("simulated machines of every vendor", () => {
  const files: Record<string, string> = {};
  const options = { now: Date.now(), name: "machine" };
  before(async () => {
    files["Intel"] = vendorToJson(testVendor());
    files["AMD"] = amdVendorToJson(await testAmd());
    files["AWS"] = awsVendorToJson(testAws());
  });

  it("makes the machine that a vendor's file and a platform name, and opens it", async () => {
    const cases: readonly (readonly [string, SimulatedPlatform | undefined, string, string])[] = [
      ["Intel", undefined, "simulated-intel", "intel-tdx"],
      ["Intel", "intel-tdx", "simulated-intel", "intel-tdx"],
      ["Intel", "intel-sgx", "simulated-intel", "intel-sgx"],
      ["AMD", undefined, "simulated-amd", "amd-sev-snp"],
      ["AMD", "amd-sev-snp", "simulated-amd", "amd-sev-snp"],
      ["AWS", undefined, "simulated-aws", "aws-nitro"],
    ];
    for (const [vendor, platform, kind, made] of cases) {
      const machine = provisionMachine(files[vendor] ?? "", { ...options, ...(platform && { platform }) });
      expect(machine.kind).to.equal(kind);
      expect(readMachine(machine.json)).to.deep.equal(machine);
      const device = openSimulated(machine.kind, machine.json, TEST_MEASUREMENTS);
      expect(device).to.include({ platform: made, simulated: true });
      const detected = detect(await device.quote(REPORT_DATA));
      expect(detected.platform).to.equal(made);
      expect(detected.reportData).to.deep.equal(REPORT_DATA);
    }
  });

  it("refuses a platform that a vendor does not make, and what is no vendor's file", () => {
    const refused: readonly (readonly [string, SimulatedPlatform | undefined])[] = [
      [files["Intel"] ?? "", "amd-sev-snp"],
      [files["AMD"] ?? "", "intel-tdx"],
      [files["AWS"] ?? "", "intel-sgx"],
      ["{}", undefined],
      ["[]", undefined],
      ["no JSON", undefined],
      ['{"vendor":"toString"}', undefined],
      ['{"vendor":"SIMULATED AMD"}', undefined],
    ];
    for (const [json, platform] of refused) {
      const made = (): unknown => provisionMachine(json, { ...options, ...(platform && { platform }) });
      expect(codeOf(made), json.slice(0, 40)).to.equal("CONFIG_INVALID");
      expect(codeOf(() => readMachine(json))).to.equal("CONFIG_INVALID");
    }
  });

  it("opens a machine as its own kind only", () => {
    for (const vendor of ["Intel", "AMD", "AWS"]) {
      const { kind, json } = provisionMachine(files[vendor] ?? "", options);
      for (const other of SIMULATED_KINDS.filter((known) => known !== kind)) {
        expect(codeOf(() => openSimulated(other, json, TEST_MEASUREMENTS))).to.equal("CONFIG_INVALID");
      }
    }
  });
});
