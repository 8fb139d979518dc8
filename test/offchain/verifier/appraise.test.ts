import { expect } from "chai";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import { appraise, type Weight } from "../../../offchain/verifier/appraise.ts";
import { DEFAULT_POLICY, parsePolicy, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const TDX: Claims = {
  platform: "intel-tdx",
  simulated: false,
  measurements: { mrtd: "ab".repeat(48), rtmr0: "cd".repeat(48), mrservicetd: "00".repeat(48) },
  workloadId: "11".repeat(32),
  reportData: "22".repeat(64),
  debug: false,
  tcb: { status: "UpToDate", advisoryIds: ["INTEL-SA-00001"], date: "2026-01-01T00:00:00Z", evaluationDataNumber: 20 },
  evidenceHash: "33".repeat(32),
  validUntil: 0,
  details: { tdAttributes: "0000001000000000", xfam: "e702060000000000", trailingBytes: 0, trailingZero: true },
};

interface Case {
  readonly claims?: Partial<Claims>;
  readonly policy?: Partial<AppraisalPolicy>;
  readonly reportData?: Uint8Array;
}

function against({ claims, policy, reportData }: Case): readonly (readonly [string, Weight])[] {
  const { tcb = TDX.tcb, ...rest } = claims ?? {};
  const appraised = { ...TDX, ...rest, ...(tcb === undefined ? {} : { tcb }) };
  const rulings = appraise(appraised, { policy: { ...DEFAULT_POLICY, ...policy }, expectedReportData: reportData });
  return rulings.flatMap((ruling) => (ruling.against ? [[ruling.check.id, ruling.against.weight] as const] : []));
}

const tcb = (changes: Partial<NonNullable<Claims["tcb"]>>): NonNullable<Claims["tcb"]> => ({
  status: "UpToDate",
  advisoryIds: [],
  date: "",
  evaluationDataNumber: 20,
  ...changes,
});
const details = (changes: Claims["details"]): Claims["details"] => ({ ...TDX.details, ...changes });

describe("appraise", () => {
  const table: readonly [string, Case, string, Weight][] = [
    ["a simulated vendor", { claims: { simulated: true } }, "trust-root", "refused"],
    ["a platform that is not named", { policy: { platforms: ["intel-sgx"] } }, "platform", "refused"],
    [
      "unsigned bytes behind the evidence",
      { claims: { details: details({ trailingBytes: 3, trailingZero: false }) } },
      "trailing-bytes",
      "warning",
    ],
    ["debug mode", { claims: { debug: true } }, "debug", "refused"],
    ["debug mode that is allowed", { claims: { debug: true }, policy: { allowDebug: true } }, "debug", "warning"],
    [
      "the debug bit of the attributes",
      { claims: { details: details({ tdAttributes: "0100001000000000" }) } },
      "td-attributes",
      "refused",
    ],
    [
      "profiling",
      { claims: { details: details({ tdAttributes: "1000001000000000" }) }, policy: { allowDebug: true } },
      "td-attributes",
      "refused",
    ],
    [
      "reserved attributes",
      { claims: { details: details({ tdAttributes: "0001001000000000" }) } },
      "td-attributes",
      "refused",
    ],
    [
      "extended features without SSE",
      { claims: { details: details({ xfam: "e502060000000000" }) } },
      "td-attributes",
      "refused",
    ],
    [
      "unknown extended features",
      { claims: { details: details({ xfam: "e702e60000000000" }) } },
      "td-attributes",
      "warning",
    ],
    [
      "a service TD",
      { claims: { measurements: { ...TDX.measurements, mrservicetd: "05".repeat(48) } } },
      "service-td",
      "warning",
    ],
    [
      "a service TD that is not allowed",
      {
        claims: { measurements: { ...TDX.measurements, mrservicetd: "05".repeat(48) } },
        policy: { allowServiceTd: false },
      },
      "service-td",
      "refused",
    ],
    ["a measurement of zero", { claims: { measurements: { mrtd: "00".repeat(48) } } }, "measured", "refused"],
    ["no measurement", { claims: { measurements: {} } }, "measured", "refused"],
    ["an unknown workload id", { policy: { workloadIds: ["44".repeat(32)] } }, "workload", "refused"],
    [
      "a set of measurements that matches in part",
      { policy: { measurements: [{ mrtd: "ab".repeat(48), rtmr0: "00".repeat(48) }] } },
      "workload",
      "refused",
    ],
    [
      "a measurement that the evidence lacks",
      { policy: { measurements: [{ mrenclave: "ab".repeat(32) }] } },
      "workload",
      "refused",
    ],
    ["other report data", { reportData: new Uint8Array(64) }, "report-data", "refused"],
    ["a revoked TCB", { claims: { tcb: tcb({ status: "Revoked" }) } }, "tcb-status", "refused"],
    ["an out-of-date TCB that is accepted", { claims: { tcb: tcb({ status: "OutOfDate" }) } }, "tcb-status", "warning"],
    [
      "an out-of-date TCB that is not",
      { claims: { tcb: tcb({ status: "OutOfDate" }) }, policy: { tcbStatuses: ["UpToDate"] } },
      "tcb-status",
      "refused",
    ],
    ["an old TCB evaluation", { policy: { minimumEvaluationNumber: 21 } }, "tcb-evaluation", "refused"],
    ["an advisory that is refused", { policy: { refusedAdvisories: ["INTEL-SA-00001"] } }, "advisories", "refused"],
  ];
  for (const [what, made, id, weight] of table) {
    it(`finds ${what}: ${weight}`, () => expect(against(made)).to.deep.equal([[id, weight]]));
  }

  it("has nothing against what the policy names", () => {
    expect(against({})).to.deep.equal([]);
    expect(against({ policy: { measurements: [{ mrtd: "ab".repeat(48) }] } })).to.deep.equal([]);
    expect(against({ policy: { workloadIds: ["11".repeat(32)] } })).to.deep.equal([]);
    expect(against({ reportData: new Uint8Array(64).fill(0x22) })).to.deep.equal([]);
    expect(against({ claims: { details: details({ trailingBytes: 3, trailingZero: true }) } })).to.deep.equal([]);
    expect(against({ claims: { simulated: true }, policy: { allowSimulated: true } })).to.deep.equal([]);
  });

  it("lists every failure, not the first alone", () => {
    expect(
      against({ claims: { debug: true, simulated: true, tcb: tcb({ status: "Revoked" }) } }).map(([id]) => id),
    ).to.deep.equal(["trust-root", "debug", "tcb-status"]);
  });
});

describe("parsePolicy", () => {
  it("fills in the default", () => {
    expect(parsePolicy({})).to.deep.equal(DEFAULT_POLICY);
    expect(parsePolicy({ measurements: [{ mrtd: "0xAB" }], tcbStatuses: ["UpToDate"] })).to.deep.equal({
      ...DEFAULT_POLICY,
      measurements: [{ mrtd: "ab" }],
      tcbStatuses: ["UpToDate"],
    });
  });

  const refusals: readonly [string, unknown][] = [
    ["what is no object", []],
    ["a member that it does not know", { allowDebugging: true }],
    ["a flag that is no boolean", { allowDebug: "yes" }],
    ["an unknown platform", { platforms: ["intel-mpx"] }],
    ["an unknown status", { tcbStatuses: ["Fine"] }],
    ["the status Revoked", { tcbStatuses: ["Revoked"] }],
    ["an empty set of measurements", { measurements: [{}] }],
    ["a measurement that is not hex", { measurements: [{ mrtd: "x" }] }],
    ["an unknown mode", { endorsements: "none" }],
    ["a negative number", { minimumEvaluationNumber: -1 }],
  ];
  for (const [what, json] of refusals) {
    it(`refuses ${what}`, () => expectRefusal("CONFIG_INVALID", () => parsePolicy(json)));
  }
});
