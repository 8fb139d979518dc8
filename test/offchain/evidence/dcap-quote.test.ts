import { expect } from "chai";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { concat } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { parseQuote } from "../../../offchain/evidence/dcap/quote.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testVendor } from "../../support/simulated-intel.ts";

const HEADER = 48;
const SGX_BODY = 384;
const TD_BODY = 584;

function uint(value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntLE(value, 0, width);
  return bytes;
}

describe("parseQuote", () => {
  const vendor = testVendor();
  let sgx: Buffer = Buffer.alloc(0);
  let tdx: Buffer = Buffer.alloc(0);

  before(async () => {
    const quoteOf = async (tee: "intel-sgx" | "intel-tdx"): Promise<Buffer> => {
      const platform = provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "parsed" });
      return Buffer.from(await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64)));
    };
    [sgx, tdx] = [await quoteOf("intel-sgx"), await quoteOf("intel-tdx")];
  });

  const patched = (quote: Buffer, offset: number, ...bytes: readonly number[]): Buffer => {
    const copy = Buffer.from(quote);
    copy.set(bytes, offset);
    return copy;
  };

  /** A version 5 quote out of a version 4 one: type and size stand before the body. */
  const version5 = (type: number, size: number, body = tdx.subarray(HEADER, HEADER + TD_BODY)): Buffer =>
    Buffer.concat([
      patched(tdx.subarray(0, HEADER), 0, 5),
      uint(type, 2),
      uint(size, 4),
      body,
      tdx.subarray(HEADER + TD_BODY),
    ]);

  /** A version 4 quote of SGX has the nested certification data of version 4. */
  const sgxVersion4 = (): Buffer =>
    Buffer.concat([
      patched(tdx.subarray(0, HEADER), 4, 0, 0, 0, 0),
      sgx.subarray(HEADER, HEADER + SGX_BODY),
      tdx.subarray(HEADER + TD_BODY),
    ]);

  it("reads versions 3, 4 and 5", () => {
    expect(parseQuote(sgx)).to.include({ version: 3, tee: "sgx" });
    expect(parseQuote(tdx)).to.include({ version: 4, tee: "tdx" });
    expect(parseQuote(sgxVersion4())).to.include({ version: 4, tee: "sgx" });
    expect(parseQuote(version5(2, TD_BODY))).to.include({ version: 5, tee: "tdx" });
    const td15 = version5(3, 648, concat(tdx.subarray(HEADER, HEADER + TD_BODY), Buffer.alloc(64, 3)) as Buffer);
    const { body } = parseQuote(td15);
    expect(body.kind === "td" && body.current?.teeTcbSvn2).to.deep.equal(new Uint8Array(Buffer.alloc(16, 3)));
  });

  it("tells what follows a TDX quote apart from it", () => {
    const { bytes, trailing } = parseQuote(Buffer.concat([tdx, Buffer.from("rest")]));
    expect(bytes.length).to.equal(tdx.length);
    expect(Buffer.from(trailing).toString()).to.equal("rest");
  });

  const refusals: readonly [string, ErrorCode, () => Uint8Array][] = [
    ["nothing", "EVIDENCE_MALFORMED", () => Buffer.alloc(0)],
    ["version 2", "EVIDENCE_UNSUPPORTED", () => patched(sgx, 0, 2)],
    ["version 6", "EVIDENCE_UNSUPPORTED", () => patched(tdx, 0, 6)],
    ["a version in another byte order", "EVIDENCE_UNSUPPORTED", () => patched(sgx, 0, 0, 3)],
    ["an attestation key on P-384", "EVIDENCE_UNSUPPORTED", () => patched(tdx, 2, 3)],
    ["an unknown TEE", "EVIDENCE_UNSUPPORTED", () => patched(tdx, 4, 0x82)],
    ["version 3 of TDX", "EVIDENCE_MALFORMED", () => patched(sgx, 4, 0x81)],
    ["another quoting enclave's vendor", "EVIDENCE_UNSUPPORTED", () => patched(tdx, 12, 0)],
    ["a rest after an SGX quote", "EVIDENCE_MALFORMED", () => Buffer.concat([sgx, Buffer.of(0)])],
    [
      "a signature data length beyond the end",
      "EVIDENCE_MALFORMED",
      () => patched(sgx, HEADER + SGX_BODY, 0xff, 0xff, 0xff, 0xff),
    ],
    ["a signature data length that is too short", "EVIDENCE_MALFORMED", () => patched(tdx, HEADER + TD_BODY, 0x80, 0)],
    [
      "certification data of version 4 that is not nested",
      "EVIDENCE_UNSUPPORTED",
      () => patched(tdx, HEADER + TD_BODY + 4 + 128, 5),
    ],
    ["body type 0 of version 5", "EVIDENCE_UNSUPPORTED", () => version5(0, TD_BODY)],
    ["body type 4 of version 5", "EVIDENCE_UNSUPPORTED", () => version5(4, TD_BODY)],
    ["a body size that is not its type's", "EVIDENCE_MALFORMED", () => version5(2, 648)],
    ["an enclave's body under TDX", "EVIDENCE_MALFORMED", () => version5(1, SGX_BODY)],
  ];
  for (const [what, code, make] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(code, () => parseQuote(make())));
  }
});
