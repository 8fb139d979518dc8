/** What each rule finds, on both sides of where it changes its mind. */
import { expect } from "chai";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import { GUEST_RULES } from "../../../offchain/verifier/rules/guest.ts";
import { ORIGIN_RULES } from "../../../offchain/verifier/rules/origin.ts";
import type { Circumstances, Finding } from "../../../offchain/verifier/rules/rule.ts";
import { TCB_RULES } from "../../../offchain/verifier/rules/tcb.ts";

const RULES = [...GUEST_RULES, ...ORIGIN_RULES, ...TCB_RULES];
const NOW = Date.UTC(2027, 0, 15);
const SPKI = "a0".repeat(32);
const TCB = { status: "UpToDate", advisoryIds: ["A"], date: "", evaluationDataNumber: 20 } as const;

const CLAIMS: Claims = {
  platform: "intel-tdx",
  simulated: false,
  root: { name: "Root", spkiSha256: SPKI },
  measurements: { mrtd: "ab".repeat(48) },
  workloadId: "11".repeat(32),
  reportData: "22".repeat(64),
  debug: false,
  evidenceHash: "33".repeat(32),
  validUntil: 0,
  details: {},
};

type Outcome = Finding["outcome"] | undefined;
type Given = readonly [string, Outcome, Partial<Claims>, Partial<AppraisalPolicy>, Partial<Circumstances>?];

function found(
  id: string,
  claims: Partial<Claims>,
  policy: Partial<AppraisalPolicy>,
  more: Partial<Circumstances> = {},
) {
  const rule = RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  const circumstances = { now: NOW, expectedReportData: undefined, evidenceTime: undefined, ...more };
  return rule.judge({ ...CLAIMS, ...claims }, { policy: { ...DEFAULT_POLICY, ...policy }, ...circumstances });
}

const denied = (list: Partial<AppraisalPolicy["deny"]>): Partial<AppraisalPolicy> => ({
  deny: { ...DEFAULT_POLICY.deny, ...list },
});
const cca = (lifecycleState: string, debug = false): Partial<Claims> => ({
  platform: "arm-cca",
  debug,
  details: { lifecycleState, lifecycle: 0x3000 },
});
const snp = (svn: Claims["details"]): Partial<Claims> => ({ platform: "amd-sev-snp", details: svn });
const ages = { maximumEvidenceAge: 10, maximumEndorsementAge: 10 };
const [ID, OTHER] = ["44".repeat(32), "55".repeat(32)];

describe("the rules of appraisal", () => {
  const table: readonly Given[] = [
    ["debug", "pass", {}, {}],
    ["debug", "pass", { details: { debugCertified: true } }, {}],
    ["debug", "unasked", { details: { debugCertified: false } }, {}],
    ["debug", "fail", { debug: true, details: { debugCertified: false } }, {}],
    ["debug", "warn", { debug: true }, { allowDebug: true }],
    ["lifecycle", undefined, {}, {}],
    ["lifecycle", undefined, { details: { lifecycleState: "secured" } }, {}],
    ["lifecycle", undefined, { details: { lifecycle: 1 } }, {}],
    ["lifecycle", "pass", cca("secured"), {}],
    ["lifecycle", "fail", cca("recoverable"), {}],
    ["lifecycle", "unasked", cca("secured", true), {}],
    ["td-attributes", undefined, {}, {}],
    ["td-attributes", undefined, { details: { tdAttributes: "0000001000000000" } }, {}],
    ["td-attributes", undefined, { details: { xfam: "e702060000000000" } }, {}],
    ["service-td", undefined, {}, {}],
    ["service-td", "pass", { measurements: { mrservicetd: "00" } }, {}],
    ["service-td", "warn", { measurements: { mrservicetd: "10" } }, {}],
    ["service-td", "fail", { measurements: { mrservicetd: "10" } }, { allowServiceTd: false }],
    ["migration-agent", undefined, {}, {}],
    ["migration-agent", "pass", { details: { migrationAgentAllowed: false } }, {}],
    ["migration-agent", "warn", { details: { migrationAgentAllowed: true } }, {}],
    ["migration-agent", "fail", { details: { migrationAgentAllowed: true } }, { allowServiceTd: false }],
    ["measured", "pass", {}, {}],
    ["measured", "pass", { measurements: { mrtd: "10" } }, {}],
    ["measured", "fail", { measurements: { mrtd: "00" } }, {}],
    ["measured", "fail", { measurements: { rtmr0: "01" } }, {}],
    ["measured", "unasked", { platform: "aws-nitro", debug: true, measurements: { pcr0: "00" } }, {}],
    ["measured", "fail", { platform: "aws-nitro", measurements: { pcr0: "00" } }, {}],
    ["measured", "fail", { debug: true, measurements: { mrtd: "00" } }, {}],
    ["measured", "pass", { platform: "nvidia-gpu", measurements: { measurement1: "00", measurement2: "10" } }, {}],
    ["measured", "fail", { platform: "nvidia-gpu", measurements: { measurement1: "00", measurement2: "" } }, {}],
    ["report-data", "unasked", {}, {}],
    ["report-data", "pass", {}, {}, { expectedReportData: new Uint8Array(64).fill(0x22) }],
    ["report-data", "fail", {}, {}, { expectedReportData: new Uint8Array(64) }],
    ["accepted-root", undefined, {}, {}],
    ["accepted-root", "pass", {}, { roots: [`0x${SPKI.toUpperCase()}`] }],
    ["accepted-root", "pass", {}, { roots: ["Other", "Root"] }],
    ["accepted-root", "fail", {}, { roots: [`a00x${SPKI.slice(2)}`, "root"] }],
    ["deny-list", undefined, {}, {}],
    ["deny-list", "pass", {}, denied({ platforms: ["intel-sgx"] })],
    ["deny-list", "pass", {}, denied({ platforms: ["intel-sgx"], workloadIds: [ID] })],
    ["deny-list", "fail", {}, denied({ platforms: ["intel-tdx"] })],
    ["deny-list", "fail", {}, denied({ workloadIds: [CLAIMS.workloadId] })],
    ["deny-list", "missing", {}, denied({ platformIds: [ID] })],
    ["deny-list", "fail", { platformId: ID }, denied({ platformIds: [ID] })],
    ["deny-list", "pass", { platformId: OTHER }, denied({ platformIds: [ID] })],
    ["deny-list", "pass", { platformId: OTHER }, denied({ platformIds: [ID], workloadIds: [ID] })],
    ["node", undefined, {}, {}],
    ["node", "unasked", { platform: "nvidia-switch" }, {}],
    ["trailing-bytes", undefined, {}, {}],
    ["trailing-bytes", "pass", { details: { trailingBytes: 0 } }, {}],
    ["trailing-bytes", "pass", { details: { trailingBytes: 2, trailingZero: true } }, {}],
    ["trailing-bytes", "warn", { details: { trailingBytes: 2, trailingZero: false } }, {}],
    ["evidence-age", undefined, {}, {}],
    ["evidence-age", "missing", {}, ages],
    ["evidence-age", "missing", { details: { timestamp: "now" } }, ages],
    ["evidence-age", "pass", { details: { timestamp: NOW } }, ages],
    ["evidence-age", "pass", {}, ages, { evidenceTime: NOW - 10_000 }],
    ["evidence-age", "fail", {}, ages, { evidenceTime: NOW - 10_001 }],
    ["evidence-age", "fail", {}, ages, { evidenceTime: NOW + 1 }],
    ["endorsement-age", undefined, {}, {}],
    ["endorsement-age", "missing", {}, ages],
    ["endorsement-age", "unasked", { platform: "aws-nitro" }, ages],
    ["endorsement-age", "pass", { endorsedAt: NOW - 10_000 }, ages],
    ["endorsement-age", "missing", { endorsedAt: NOW - 10_001 }, ages],
    ["tcb-status", "unasked", {}, {}],
    ["tcb-evaluation", "unasked", {}, {}],
    ["tcb-evaluation", "missing", {}, { minimumEvaluationNumber: 1 }],
    ["tcb-evaluation", "pass", { tcb: TCB }, { minimumEvaluationNumber: 20 }],
    ["tcb-evaluation", "fail", { tcb: TCB }, { minimumEvaluationNumber: 21 }],
    ["advisories", "unasked", {}, {}],
    ["advisories", "missing", {}, { acceptedAdvisories: [] }],
    ["advisories", "missing", {}, denied({ advisories: ["A"] })],
    ["advisories", "unasked", { platform: "aws-nitro" }, denied({ advisories: ["A"] })],
    ["advisories", "pass", { tcb: TCB }, {}],
    ["advisories", "pass", { tcb: TCB }, { acceptedAdvisories: ["A"] }],
    ["advisories", "fail", { tcb: TCB }, { acceptedAdvisories: [] }],
    ["advisories", "fail", { tcb: TCB }, denied({ advisories: ["A"] })],
    ["minimum-tcb", undefined, snp({ reportedTcbSnp: 1 }), {}],
    ["minimum-tcb", undefined, { details: { reportedTcbSnp: 1 } }, { minimumSevSnpTcb: { snp: 2 } }],
    ["minimum-tcb", "pass", snp({ reportedTcbSnp: 2 }), { minimumSevSnpTcb: { snp: 2 } }],
    ["minimum-tcb", "fail", snp({ reportedTcbSnp: 1 }), { minimumSevSnpTcb: { snp: 2 } }],
    ["minimum-tcb", "fail", snp({}), { minimumSevSnpTcb: { snp: 0 } }],
    ["minimum-tcb", undefined, snp({ product: "Milan" }), { minimumSevSnpTcb: { fmc: 1 } }],
    ["minimum-tcb", "fail", snp({ product: "Turin", reportedTcbFmc: 0 }), { minimumSevSnpTcb: { fmc: 1 } }],
  ];
  for (const [index, [id, outcome, claims, policy, circumstances]] of table.entries()) {
    it(`find ${outcome ?? "nothing"} by ${id}, case ${index + 1}`, () => {
      expect(found(id, claims, policy, circumstances)?.outcome).to.equal(outcome);
    });
  }

  it("give codes of their own where their outcome does not say what to do", () => {
    const old = { endorsedAt: NOW - 10_001 };
    expect(found("evidence-age", {}, ages, { evidenceTime: NOW + 1 })?.code).to.equal("EVIDENCE_STALE");
    expect(found("evidence-age", {}, ages, { evidenceTime: 0 })?.code).to.equal("EVIDENCE_STALE");
    expect(found("endorsement-age", old, ages)?.code).to.equal("ENDORSEMENT_EXPIRED");
    expect(found("report-data", {}, {}, { expectedReportData: new Uint8Array(64) })?.code).to.equal("BINDING_MISMATCH");
    for (const id of ["evidence-age", "endorsement-age"]) expect(found(id, {}, ages)).to.not.have.property("code");
    expect(found("platform", {}, { platforms: ["aws-nitro"] })).to.not.have.property("code");
  });
});
