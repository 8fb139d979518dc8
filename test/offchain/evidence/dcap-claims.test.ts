/** What a verified quote is said to claim, exactly, and which part of its endorsements ends or begins first. */
import { expect } from "chai";
import { keccak256 } from "#crypto";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { parseHex, toHex } from "../../../offchain/encoding/bytes.ts";
import { CheckLog } from "../../../offchain/evidence/check-log.ts";
import { dcapClaims } from "../../../offchain/evidence/dcap/claims.ts";
import { parseQuote } from "../../../offchain/evidence/dcap/quote.ts";
import { verifyQuote, type DcapEvidence } from "../../../offchain/evidence/dcap/verify.ts";
import type { Verified } from "../../../offchain/evidence/scheme.ts";
import type { Certificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

type Tee = "intel-sgx" | "intel-tdx";

const HOUR = 3_600_000;
const vendor = testVendor();
const platformOf = (tee: Tee) => provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "claims" });
const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const digits = (value: string): string => value.slice(2);

async function verified(tee: Tee, trailing = new Uint8Array()): Promise<Verified<DcapEvidence>> {
  const platform = platformOf(tee);
  const bytes = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(9));
  return verifyQuote(parseQuote(new Uint8Array([...bytes, ...trailing])), {
    endorsements: testEndorsements(vendor, platform),
    trustRoots: [simulatedTrustRoot(vendor)],
    now: SIMULATED_NOW,
    log: new CheckLog(),
    chains: new ChainVerifier(),
  });
}

const COMMON = {
  certType: 5,
  fmspc: "51ad00000001",
  pceid: "0000",
  pckCpusvn: "09090202040100050000000000000000",
  pckPcesvn: 13,
  qeIsvsvn: 6,
  trailingBytes: 0,
  trailingZero: true,
  platformTcbStatus: "UpToDate",
  qeTcbStatus: "UpToDate",
  qeTcbDate: "2026-12-16T00:00:00Z",
};

describe("the claims of a quote", () => {
  it("are those of an enclave", async () => {
    const evidence = await verified("intel-sgx");
    const { mrenclave, mrsigner } = TEST_MEASUREMENTS;
    const { spkiSha256, name } = simulatedTrustRoot(vendor);
    expect(dcapClaims(evidence)).to.deep.equal({
      platform: "intel-sgx",
      simulated: true,
      root: { name, spkiSha256 },
      measurements: { mrenclave: digits(mrenclave), mrsigner: digits(mrsigner) },
      workloadId: hex(keccak256(Uint8Array.of(1), parseHex(mrenclave) ?? new Uint8Array())),
      reportData: "09".repeat(64),
      debug: false,
      tcb: { status: "UpToDate", advisoryIds: [], date: "2026-12-16T00:00:00Z", evaluationDataNumber: 20 },
      platformId: hex(keccak256(parseHex(platformOf("intel-sgx").ppid) ?? new Uint8Array())),
      evidenceHash: hex(keccak256(evidence.quote.bytes)),
      validUntil: SIMULATED_NOW - HOUR + 30 * 24 * HOUR,
      endorsedAt: SIMULATED_NOW - HOUR,
      details: {
        ...COMMON,
        quoteVersion: 3,
        teeType: "sgx",
        bodyType: "sgx-enclave-report",
        pckCa: "processor",
        isvprodid: 0,
        isvsvn: 1,
        configid: "00".repeat(64),
        configsvn: 0,
        isvextprodid: "00".repeat(16),
        isvfamilyid: "00".repeat(16),
        attributes: "0500000000000000e700000000000000",
        miscselect: "00000000",
        cpusvn: COMMON.pckCpusvn,
      },
    });
  });

  it("are those of a trust domain, with how much follows the quote", async () => {
    const evidence = await verified("intel-tdx", Uint8Array.of(0, 1));
    const { mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3 } = TEST_MEASUREMENTS;
    const { platform, measurements, workloadId, details, evidenceHash } = dcapClaims(evidence);
    const { mrseam, ...measured } = measurements;
    expect(mrseam).to.match(/^[0-9a-f]{96}$/);
    const values = { mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3 };
    const expected = Object.entries(values).map(([name, value]) => [name, digits(value)]);
    expect(measured).to.deep.equal({ ...Object.fromEntries(expected), mrsignerseam: "00".repeat(48) });
    const registers = [mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3].map(digits).join("");
    expect([platform, workloadId, evidenceHash]).to.deep.equal([
      "intel-tdx",
      hex(keccak256(Uint8Array.of(2), Buffer.from(registers, "hex"))),
      hex(keccak256(evidence.quote.bytes)),
    ]);
    expect(details).to.deep.equal({
      ...COMMON,
      quoteVersion: 4,
      teeType: "tdx",
      bodyType: "td-report-1.0",
      pckCa: "platform",
      trailingBytes: 2,
      trailingZero: false,
      tdxModuleTcbStatus: "UpToDate",
      tdxModuleTcbDate: "2026-12-16T00:00:00Z",
      tdAttributes: "0000001000000000",
      seamAttributes: "0000000000000000",
      xfam: "e702060000000000",
      teeTcbSvn: "06010900000000000000000000000000",
    });
  });

  /** The evidence with one part of the collateral or of the chain changed. */
  const changed = (evidence: DcapEvidence, change: Partial<DcapEvidence["collateral"]>): Verified<DcapEvidence> =>
    ({ ...evidence, collateral: { ...evidence.collateral, ...change } }) as Verified<DcapEvidence>;
  const PARTS = ["rootCrl", "pckCrl", "tcbInfo", "qeIdentity"] as const;

  it("hold until the first end and since the first issue of all that was used", async () => {
    const evidence = await verified("intel-tdx");
    const { collateral, chain } = evidence;
    for (const part of PARTS) {
      const earlier = { ...collateral[part], nextUpdate: 7, thisUpdate: 5, issueDate: 5 };
      const { validUntil, endorsedAt } = dcapClaims(changed(evidence, { [part]: earlier }));
      expect([part, validUntil, endorsedAt]).to.deep.equal([part, 7, 5]);
    }
    const [leaf, issuer, root] = chain.certificates as [Certificate, Certificate, Certificate];
    const ending = { ...chain, certificates: [leaf, { ...issuer, notAfter: 2 }, { ...root, notAfter: 3 }] };
    expect(dcapClaims({ ...evidence, chain: ending }).validUntil).to.equal(2);
    expect(dcapClaims(changed(evidence, { signers: [ending] })).validUntil).to.equal(2);
  });

  it("say nothing of endorsements that were not given", async () => {
    const evidence = await verified("intel-tdx");
    const none = { rootCrl: undefined, pckCrl: undefined, tcbInfo: undefined, qeIdentity: undefined, tcb: undefined };
    const bare = dcapClaims(changed(evidence, { ...none, signers: [] }));
    expect(bare).to.not.have.any.keys("tcb", "endorsedAt");
    expect(bare.details).to.not.have.any.keys("platformTcbStatus", "qeTcbStatus", "tdxModuleTcbStatus");
    expect(bare.validUntil).to.equal(Math.min(...evidence.chain.certificates.map(({ notAfter }) => notAfter)));
    for (const part of ["tcb", "tcbInfo", "qeIdentity"] as const) {
      expect(dcapClaims(changed(evidence, { [part]: undefined }))).to.not.have.property("tcb");
    }
  });

  it("name each advisory of any part once, in order", async () => {
    const evidence = await verified("intel-tdx");
    const { tcb } = evidence.collateral;
    if (tcb?.parts.tdxModule === undefined) throw new Error("no TCB of a TDX module");
    const { levels, tdxModule, quotingEnclave } = tcb.parts;
    const parts = {
      levels: { ...levels, platform: { ...levels.platform, advisoryIds: ["C", "A"] } },
      tdxModule: { ...tdxModule, advisoryIds: ["B", "C"] },
      quotingEnclave: { ...quotingEnclave, advisoryIds: ["A"] },
    };
    const advised = changed(evidence, { tcb: { ...tcb, parts } });
    expect(dcapClaims(advised).tcb?.advisoryIds).to.deep.equal(["A", "B", "C"]);
  });
});
