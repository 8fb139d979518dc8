import { expect } from "chai";
import { keccak256 } from "#crypto";
import { concat, toHex } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import type { SevSnpEndorsements } from "../../../offchain/evidence/sev-snp/endorsements.ts";
import { parseReport } from "../../../offchain/evidence/sev-snp/report.ts";
import type { Product } from "../../../offchain/evidence/sev-snp/product.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  bool,
  createKeys,
  createRsaKeys,
  extension,
  int,
  NOW,
  octets,
  pem,
  rsaPss,
  seq,
  type Bytes,
} from "../../support/pki.ts";
import {
  CHIP_ID,
  MEASUREMENT,
  REPORT_DATA,
  snpCrl,
  snpEndorsements,
  snpReport,
  snpVendor,
  TURIN_CHIP_ID,
  type ReportParts,
  type SnpVendor,
  type VekParts,
} from "../../support/sev-snp.ts";

const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const DAY = 86_400_000;

interface Case {
  readonly report?: ReportParts;
  readonly vek?: VekParts;
  readonly crl?: Bytes;
  readonly endorsements?: SevSnpEndorsements;
  readonly policy?: Partial<AppraisalPolicy>;
  readonly now?: number;
}

describe("AMD SEV-SNP reports", () => {
  let vendor: SnpVendor;
  const chains = new ChainVerifier();

  before(function () {
    this.timeout(60_000);
    vendor = snpVendor();
  });

  async function verify(bytes: Uint8Array, { vek, crl, ...given }: Case = {}): Promise<AttestationResult> {
    const sevSnp = given.endorsements ?? { ...snpEndorsements(vendor, vek), ...(crl && { crl }) };
    return verifyEvidence(bytes, {
      endorsements: { sevSnp },
      trustRoots: [vendor.trustRoot(vek?.product ?? "Milan")],
      now: given.now ?? NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true, ...given.policy },
      chains,
    });
  }
  const verifyCase = (made: Case): Promise<AttestationResult> => verify(snpReport(vendor, made.report), made);
  const of = (product: Product, report: ReportParts = {}, vek: VekParts = {}): Case => ({
    report: { product, ...report },
    vek: { product, ...vek },
  });

  describe("parseReport", () => {
    const table: readonly [string, ErrorCode, readonly [number, Bytes]][] = [
      ["version 1", "EVIDENCE_UNSUPPORTED", [0, Buffer.of(1)]],
      ["version 4", "EVIDENCE_UNSUPPORTED", [0, Buffer.of(4)]],
      ["version 6", "EVIDENCE_UNSUPPORTED", [0, Buffer.of(6)]],
      ["a policy without the bit that must be one", "EVIDENCE_MALFORMED", [0x0a, Buffer.of(1)]],
      ["a reserved policy bit", "EVIDENCE_MALFORMED", [0x0b, Buffer.of(4)]],
      ["the highest policy bit", "EVIDENCE_MALFORMED", [0x0f, Buffer.of(0x80)]],
      ["VMPL 4", "EVIDENCE_UNSUPPORTED", [0x30, Buffer.of(4)]],
      ["a report that the host asked for", "EVIDENCE_UNSUPPORTED", [0x30, Buffer.alloc(4, 0xff)]],
      ["signature algorithm 0", "EVIDENCE_UNSUPPORTED", [0x34, Buffer.of(0)]],
      ["signature algorithm 2", "EVIDENCE_UNSUPPORTED", [0x34, Buffer.of(2)]],
      ["signing key 2", "EVIDENCE_UNSUPPORTED", [0x48, Buffer.of(2 << 2)]],
      ["no signing key", "EVIDENCE_UNSUPPORTED", [0x48, Buffer.of(7 << 2)]],
      ["a VCEK that is masked", "EVIDENCE_UNSUPPORTED", [0x48, Buffer.of(2)]],
      ["a reserved key flag", "EVIDENCE_MALFORMED", [0x48, Buffer.of(1 << 5)]],
      ["the highest key flag", "EVIDENCE_MALFORMED", [0x4b, Buffer.of(0x80)]],
      ["a byte reserved after the key flags", "EVIDENCE_MALFORMED", [0x4f, Buffer.of(1)]],
      ["a byte reserved after CPUID", "EVIDENCE_MALFORMED", [0x18b, Buffer.of(1)]],
      ["a byte reserved after the current version", "EVIDENCE_MALFORMED", [0x1eb, Buffer.of(1)]],
      ["a byte reserved after the committed version", "EVIDENCE_MALFORMED", [0x1ef, Buffer.of(1)]],
      ["mitigations before version 5", "EVIDENCE_MALFORMED", [0x1f8, Buffer.of(1)]],
      ["a byte reserved before the signature", "EVIDENCE_MALFORMED", [0x29f, Buffer.of(1)]],
    ];
    for (const [what, code, place] of table) {
      it(`refuses ${what}`, () => expectRefusal(code, () => parseReport(snpReport(vendor, { at: [place] }))));
    }

    it("refuses a processor in a report of version 2", () =>
      expectRefusal("EVIDENCE_MALFORMED", () =>
        parseReport(snpReport(vendor, { version: 2, at: [[0x188, Buffer.of(0x19)]] })),
      ));

    it("refuses wide scalars and reserved bytes of the signature", async () => {
      for (const offset of [0x2a0 + 48, 0x2a0 + 71, 0x2a0 + 72 + 48, 0x2a0 + 143, 0x2a0 + 144, 0x49f]) {
        const report = snpReport(vendor);
        report[offset] = 1;
        await expectRefusal("EVIDENCE_MALFORMED", () => parseReport(report));
      }
    });

    it("leaves the evidence as it is", () => {
      const report = snpReport(vendor);
      const before = hex(report);
      parseReport(report);
      expect(hex(report)).to.equal(before);
    });

    it("refuses every other length", async () => {
      const report = snpReport(vendor);
      for (let length = 0; length < report.length; length += 1) {
        const { verdict } = await verify(report.subarray(0, length), { endorsements: {} });
        expect(verdict, `length ${length}`).to.equal("contraindicated");
        await expectRefusal("EVIDENCE_MALFORMED", () => parseReport(report.subarray(0, length)));
      }
      await expectRefusal("EVIDENCE_MALFORMED", () => parseReport(concat(report, Uint8Array.of(0))));
    });
  });

  describe("claims", () => {
    it("tell the workload, the chip and every part of the TCB", async () => {
      const report = snpReport(vendor);
      const { verdict, claims, failures } = await verify(report, { vek: { productName: "Milan-B0" } });
      expect(failures.map(({ id, code }) => [id, code])).to.deep.equal([["ark-crl", "NOT_CHECKED"]]);
      expect(verdict).to.equal("warning");
      expect(claims).to.include({
        platform: "amd-sev-snp",
        simulated: true,
        debug: false,
        reportData: hex(REPORT_DATA),
        workloadId: hex(keccak256(Uint8Array.of(3), MEASUREMENT)),
        platformId: hex(keccak256(CHIP_ID)),
        evidenceHash: hex(keccak256(report)),
        validUntil: NOW + 30 * DAY,
      });
      expect(claims?.tcb).to.equal(undefined);
      expect(claims?.measurements).to.include({ measurement: hex(MEASUREMENT), hostData: "00".repeat(32) });
      expect(claims?.details).to.include({
        product: "Milan",
        vekProduct: "Milan-B0",
        vekType: "VCEK",
        reportVersion: 3,
        policy: "0x3001f",
        reportedTcbHex: "04000000000018db",
        reportedTcbBl: 4,
        currentTcbSnp: 24,
        committedTcbUcode: 219,
        launchTcbTee: 0,
        currentVersion: "1.55.29",
      });
    });

    const accepted: readonly [string, Case][] = [
      ["version 2 of Milan", of("Milan", { version: 2 })],
      ["version 2 of Genoa", of("Genoa", { version: 2 })],
      ["version 3 of Genoa", of("Genoa")],
      ["version 5 of Siena, endorsed as Genoa", of("Genoa", { version: 5, at: [[0x189, Buffer.of(0xa0)]] })],
      ["a hardware id in an OCTET STRING", { vek: { extensions: { "4": octets(CHIP_ID) } } }],
      [
        "a TCB reported lower than committed, and committed lower than current",
        {
          report: {
            at: [
              [0x38, Buffer.from("04000000000018dc", "hex")],
              [0x180, Buffer.from("03000000000018db", "hex")],
            ],
          },
          vek: { extensions: { "3.1": int(3) } },
        },
      ],
      ["a platform bit that is not known yet", { report: { at: [[0x40, Buffer.of(0xe5)]] } }],
    ];
    for (const [what, made] of accepted) {
      it(`are made of ${what}`, async () => {
        const { verdict, failures } = await verifyCase(made);
        expect(failures.map(({ id }) => id)).to.deep.equal(["ark-crl"]);
        expect(verdict).to.equal("warning");
      });
    }

    it("read Turin's own TCB layout and short hardware id", async () => {
      const { claims, verdict } = await verifyCase(of("Turin", { version: 5 }));
      expect(verdict).to.equal("warning");
      expect(claims?.platformId).to.equal(hex(keccak256(TURIN_CHIP_ID)));
      expect(claims?.details).to.include({ reportedTcbFmc: 1, reportedTcbBl: 4, vekFmc: 1, launchMitigations: "0x3f" });
    });

    it("name no platform under a VLEK with a masked chip id, and the cloud provider", async () => {
      const { claims, verdict } = await verifyCase(of("Milan", { type: "VLEK" }, { type: "VLEK" }));
      expect(verdict).to.equal("warning");
      expect(claims?.platformId).to.equal(undefined);
      expect(claims?.details).to.include({ vekType: "VLEK", cspId: "cloud", signingKey: "VLEK" });
    });

    it("take a masked chip id from the VCEK that signed", async () => {
      const { claims } = await verifyCase({ report: { at: [[0x1a0, Buffer.alloc(64)]] } });
      expect(claims?.platformId).to.equal(hex(keccak256(CHIP_ID)));
    });
  });

  describe("verification", () => {
    const other = createKeys("P-384");
    const table: readonly [string, string, string, () => Case][] = [
      ["another signer", "report-signature", "SIGNATURE_INVALID", () => ({ report: { keys: other } })],
      [
        "a reported TCB above the VCEK's",
        "reported-tcb",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x186, Buffer.of(25)]] },
        }),
      ],
      [
        "a VCEK above the reported TCB",
        "reported-tcb",
        "BINDING_MISMATCH",
        () => ({
          vek: { extensions: { "3.8": int(220) } },
        }),
      ],
      [
        "reserved bytes of a TCB",
        "reported-tcb",
        "EVIDENCE_MALFORMED",
        () => ({
          report: { at: [[0x182, Buffer.of(1)]] },
        }),
      ],
      [
        "reserved bytes of the launch TCB",
        "reported-tcb",
        "EVIDENCE_MALFORMED",
        () => ({
          report: { at: [[0x1f5, Buffer.of(1)]] },
        }),
      ],
      [
        "a reported TCB above the committed one",
        "tcb-order",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x1e6, Buffer.of(23)]] },
        }),
      ],
      [
        "a committed TCB above the current one",
        "tcb-order",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x3f, Buffer.of(218)]] },
        }),
      ],
      [
        "committed firmware newer than the current",
        "tcb-order",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x1ed, Buffer.of(56)]] },
        }),
      ],
      ["another chip", "chip-id", "BINDING_MISMATCH", () => ({ report: { at: [[0x1a0, Buffer.of(0)]] } })],
      [
        "a VCEK without a hardware id",
        "chip-id",
        "BINDING_MISMATCH",
        () => ({
          vek: { extensions: { "4": undefined } },
        }),
      ],
      [
        "a hardware id of another length",
        "vek-extensions",
        "EVIDENCE_MALFORMED",
        () => ({
          vek: { extensions: { "4": octets(Buffer.alloc(63)) } },
        }),
      ],
      [
        "a VLEK with a hardware id",
        "chip-id",
        "BINDING_MISMATCH",
        () => of("Milan", { type: "VLEK" }, { type: "VLEK", extensions: { "4": CHIP_ID } }),
      ],
      [
        "a processor of another line",
        "report-product",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x189, Buffer.of(0x11)]] },
        }),
      ],
      [
        "an unknown processor",
        "report-product",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x188, Buffer.of(0x17)]] },
        }),
      ],
      ["a VCEK where a VLEK signed", "vek-extensions", "CHAIN_UNTRUSTED", () => of("Milan", { type: "VLEK" })],
      ["a VLEK where a VCEK signed", "vek-extensions", "CHAIN_UNTRUSTED", () => of("Milan", {}, { type: "VLEK" })],
      [
        "a VEK that says another product than its issuers",
        "vek-extensions",
        "CHAIN_UNTRUSTED",
        () => ({
          vek: { productName: "Genoa" },
        }),
      ],
      ["an unknown product", "vek-extensions", "EVIDENCE_UNSUPPORTED", () => ({ vek: { productName: "Naples" } })],
      [
        "a VEK without product",
        "vek-extensions",
        "EVIDENCE_MALFORMED",
        () => ({
          vek: { extensions: { "2": undefined } },
        }),
      ],
      [
        "a VEK without an SVN",
        "vek-extensions",
        "EVIDENCE_MALFORMED",
        () => ({
          vek: { extensions: { "3.3": undefined } },
        }),
      ],
      ["an SVN of 256", "vek-extensions", "EVIDENCE_MALFORMED", () => ({ vek: { extensions: { "3.3": int(256) } } })],
      [
        "a policy for a newer ABI",
        "guest-policy",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x08, Buffer.of(56, 1)]] },
        }),
      ],
      [
        "multithreading against the policy",
        "guest-policy",
        "BINDING_MISMATCH",
        () => ({
          report: { at: [[0x0a, Buffer.of(2)]] },
        }),
      ],
      [
        "a VEK that is an authority",
        "vek-chain",
        "CHAIN_UNTRUSTED",
        () => ({
          vek: { vek: { standardExtensions: [extension("2.5.29.19", true, seq(bool(true)))] } },
        }),
      ],
      ["a VEK with a key of P-256", "vek-chain", "CHAIN_UNTRUSTED", () => ({ vek: { vek: { keys: createKeys() } } })],
      [
        "an ASK that may not sign certificates",
        "vek-chain",
        "CHAIN_UNTRUSTED",
        () => ({ vek: { ask: { keyUsage: [7, 0x80] } } }),
      ],
      ["an expired ASK", "vek-chain", "CERTIFICATE_EXPIRED", () => ({ vek: { ask: { notAfter: NOW - DAY } } })],
      ["an expired ARK", "vek-chain", "CERTIFICATE_EXPIRED", () => ({ vek: { ark: { notAfter: NOW - DAY } } })],
      ["a VEK of the future", "vek-chain", "CERTIFICATE_EXPIRED", () => ({ now: NOW - 40 * DAY })],
      [
        "another salt length",
        "vek-chain",
        "EVIDENCE_UNSUPPORTED",
        () => ({
          vek: { vek: { algorithm: rsaPss({ salt: 32 }) } },
        }),
      ],
      [
        "another trailer",
        "vek-chain",
        "EVIDENCE_UNSUPPORTED",
        () => ({
          vek: { vek: { algorithm: rsaPss({ trailer: 2 }) } },
        }),
      ],
      [
        "another hash",
        "vek-chain",
        "EVIDENCE_UNSUPPORTED",
        () => ({
          vek: { vek: { algorithm: rsaPss({ hash: "2.16.840.1.101.3.4.2.1" }) } },
        }),
      ],
      [
        "an ASK of 2048 bits",
        "vek-chain",
        "EVIDENCE_UNSUPPORTED",
        () => ({
          vek: { ask: { keys: createRsaKeys(2048) } },
        }),
      ],
    ];
    for (const [what, id, code, made] of table) {
      it(`refuses ${what}`, async () => {
        const { verdict, failures } = await verifyCase(made());
        expect(verdict).to.equal("contraindicated");
        expect(failures.map((failure) => [failure.id, failure.code])).to.deep.include([id, code]);
      });
    }

    it("refuses every changed byte of what is signed, and of the signature", async () => {
      const report = snpReport(vendor);
      const endorsements = snpEndorsements(vendor);
      for (let offset = 0; offset < report.length; offset += 1) {
        const changed = Uint8Array.from(report);
        changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
        expect((await verify(changed, { endorsements })).verdict, `offset ${offset}`).to.equal("contraindicated");
      }
    }).timeout(30_000);

    it("refuses changed bytes of each certificate", async () => {
      const report = snpReport(vendor);
      const whole = snpEndorsements(vendor);
      for (const [role, bytes] of Object.entries(whole)) {
        for (let offset = 0; offset < bytes.length; offset += 13) {
          const changed = Uint8Array.from(bytes);
          changed[offset] = (changed[offset] ?? 0) ^ 1;
          const { verdict } = await verify(report, { endorsements: { ...whole, [role]: changed } });
          expect(verdict, `${role} ${offset}`).to.equal("contraindicated");
        }
      }
    });

    it("reads certificates in PEM, one to a file", async () => {
      const { vek, ask, ark } = snpEndorsements(vendor);
      const inPem = { vek: pem("CERTIFICATE", vek), ask: pem("CERTIFICATE", ask), ark: pem("CERTIFICATE", ark) };
      expect((await verifyCase({ endorsements: inPem })).verdict).to.equal("warning");
      const both = { ...inPem, ask: pem("CERTIFICATE", ask, ark) };
      expect((await verifyCase({ endorsements: both })).verdict).to.equal("contraindicated");
    });

    it("never trusts another family's root", async () => {
      const root = { ...vendor.trustRoot("Milan"), family: "dcap" };
      const options = { endorsements: { sevSnp: snpEndorsements(vendor) }, trustRoots: [root], now: NOW };
      const policy = { ...DEFAULT_POLICY, allowSimulated: true };
      expect((await verifyEvidence(snpReport(vendor), { ...options, policy })).verdict).to.equal("contraindicated");
    });

    for (const missing of ["vek", "ask", "ark"] as const) {
      it(`answers none without ${missing}, whatever the policy`, async () => {
        const { [missing]: _, ...endorsements } = snpEndorsements(vendor);
        for (const policy of [{}, { endorsements: "quote-only" }] as const) {
          const { verdict, claims } = await verifyCase({ endorsements, policy });
          expect(verdict).to.equal("none");
          expect(claims).to.equal(null);
        }
      });
    }
  });

  describe("revocation", () => {
    const listed: readonly [string, string, string, () => Bytes][] = [
      ["a revoked ASK", "contraindicated", "CERTIFICATE_REVOKED", () => snpCrl(vendor, { revoked: [Buffer.of(0x7b)] })],
      ["an expired list", "none", "ENDORSEMENT_EXPIRED", () => snpCrl(vendor, { nextUpdate: NOW - 1000 })],
      ["another product's list", "none", "ENDORSEMENT_INVALID", () => snpCrl(vendor, { issuer: "ARK-Genoa" })],
      ["a list of another signer", "none", "ENDORSEMENT_INVALID", () => snpCrl(vendor, { signer: vendor.keys.ask })],
      ["what is no list", "none", "ENDORSEMENT_INVALID", () => Buffer.from("no list")],
    ];
    for (const [what, verdict, code, crl] of listed) {
      it(`answers ${verdict} to ${what}`, async () => {
        const result = await verifyCase({ crl: crl() });
        expect(result.verdict).to.equal(verdict);
        expect(result.failures.map((failure) => [failure.id, failure.code])).to.deep.equal([["ark-crl", code]]);
      });
    }

    it("ends the claims' validity with the list's", async () => {
      const { verdict, claims } = await verifyCase({ crl: snpCrl(vendor) });
      expect(verdict).to.equal("affirming");
      expect(claims?.validUntil).to.equal(NOW + DAY);
    });

    it("is a warning where no list is given", async () => {
      const { verdict, checks } = await verifyCase({});
      expect(verdict).to.equal("warning");
      expect(checks.find(({ id }) => id === "ark-crl")?.outcome).to.equal("none");
    });
  });

  describe("policy", () => {
    const debug = { report: { at: [[0x0a, Buffer.of(0x0b)]] } } as const;
    const migration = { report: { at: [[0x0a, Buffer.of(0x07)]] } } as const;
    const table: readonly [string, Case, string, readonly string[]][] = [
      ["debugging", debug, "contraindicated", ["debug"]],
      ["debugging that is allowed", { ...debug, policy: { allowDebug: true } }, "warning", ["debug"]],
      ["a migration agent", migration, "warning", ["migration-agent"]],
      [
        "a migration agent that is refused",
        { ...migration, policy: { allowServiceTd: false } },
        "contraindicated",
        ["migration-agent"],
      ],
      ["a simulated vendor", { policy: { allowSimulated: false } }, "contraindicated", ["trust-root"]],
      ["a measurement of zero", { report: { at: [[0x90, Buffer.alloc(48)]] } }, "contraindicated", ["measured"]],
      [
        "a TCB evaluation that AMD does not make",
        { policy: { minimumEvaluationNumber: 1 } },
        "none",
        ["tcb-evaluation"],
      ],
    ];
    for (const [what, made, verdict, ids] of table) {
      it(`answers ${verdict} to ${what}`, async () => {
        const result = await verifyCase(made);
        expect(result.verdict).to.equal(verdict);
        expect(result.failures.map(({ id }) => id)).to.deep.equal(made.crl === undefined ? ["ark-crl", ...ids] : ids);
      });
    }
  });
});
