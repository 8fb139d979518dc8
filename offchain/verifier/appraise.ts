import { toHex } from "../encoding/bytes.ts";
import { DEVICE_PLATFORMS, type Check, type Claims } from "../evidence/scheme.ts";
import type { AppraisalPolicy } from "./policy.ts";
import type { Failure } from "./result.ts";
import { tdAttributesFault, xfamFindings } from "./td-attributes.ts";

/** How much one finding weighs: refused, not checked though required, or accepted with a warning. */
export type Weight = "refused" | "missing" | "warning";

/** One appraised check with what it means for the verdict. */
export interface Ruling {
  readonly check: Check;
  /** Undefined: nothing against the evidence. */
  readonly against?: { readonly weight: Weight; readonly failure: Failure };
}

/** What claims are appraised by. */
export interface Appraisal {
  readonly policy: AppraisalPolicy;
  /** 64 bytes that the evidence must carry. */
  readonly expectedReportData: Uint8Array | undefined;
}

interface Finding {
  readonly outcome: "pass" | "fail" | "warn" | "missing" | "unasked";
  readonly detail: string;
}

interface Rule {
  readonly id: string;
  readonly reference: string;
  /** Undefined where the rule is not about this kind of evidence. */
  readonly judge: (claims: Claims, appraisal: Appraisal) => Finding | undefined;
}

const HOUSE = "docs/verification.md, policy";
const TDX_ABI = "Intel TDX Module ABI Reference Specification, TD_PARAMS ATTRIBUTES and XFAM";

const RULES: readonly Rule[] = [
  { id: "trust-root", reference: "RFC 9334 section 7.5", judge: trustRoot },
  { id: "platform", reference: HOUSE, judge: platform },
  { id: "node", reference: "docs/protocol.md section 3", judge: node },
  { id: "trailing-bytes", reference: HOUSE, judge: trailingBytes },
  {
    id: "debug",
    reference:
      "Intel SDM volume 3D, SECS ATTRIBUTES; Intel TDX Module, TD ATTRIBUTES; AMD 56860, guest policy; AWS Nitro Enclaves, PCR0",
    judge: debug,
  },
  { id: "td-attributes", reference: TDX_ABI, judge: tdAttributes },
  { id: "service-td", reference: "Intel TDX Module 1.5, MRSERVICETD", judge: serviceTd },
  { id: "migration-agent", reference: "AMD publication 56860, guest policy MIGRATE_MA", judge: migrationAgent },
  { id: "measured", reference: HOUSE, judge: measured },
  { id: "workload", reference: "RFC 9334 section 8.3", judge: workload },
  { id: "report-data", reference: "docs/protocol.md section 3", judge: reportData },
  { id: "tcb-status", reference: "Intel PCS API v4, How to determine TCB status", judge: tcbStatus },
  { id: "tcb-evaluation", reference: "Intel PCS API v4, TCB evaluation data number", judge: tcbEvaluation },
  { id: "advisories", reference: "Intel PCS API v4, TCB Info model", judge: advisories },
];

/** Holds verified claims against a policy; every rule is judged, none throws. */
export function appraise(claims: Claims, appraisal: Appraisal): readonly Ruling[] {
  return RULES.flatMap((rule) => {
    const finding = rule.judge(claims, appraisal);
    return finding === undefined ? [] : [ruling(rule, finding)];
  });
}

/** The checks of `appraise` where there is nothing to appraise. */
export function notAppraised(): readonly Check[] {
  const detail = "not checked: the evidence was not verified";
  return RULES.map(({ id, reference }) => ({ id, outcome: "none", detail, reference }));
}

const OUTCOMES = { pass: "pass", warn: "pass", fail: "fail", missing: "none", unasked: "none" } as const;
const WEIGHTS = { warn: "warning", fail: "refused", missing: "missing" } as const;

function ruling({ id, reference }: Rule, { outcome, detail }: Finding): Ruling {
  const check: Check = { id, outcome: OUTCOMES[outcome], detail, reference };
  if (outcome === "pass" || outcome === "unasked") return { check };
  const code = id === "report-data" ? "BINDING_MISMATCH" : outcome === "missing" ? "NOT_CHECKED" : "POLICY";
  return { check, against: { weight: WEIGHTS[outcome], failure: { id, code, detail } } };
}

const pass = (detail: string): Finding => ({ outcome: "pass", detail });
const fail = (detail: string): Finding => ({ outcome: "fail", detail });
const warn = (detail: string): Finding => ({ outcome: "warn", detail });
const unasked = (detail: string): Finding => ({ outcome: "unasked", detail });

function trustRoot(claims: Claims, { policy }: Appraisal): Finding {
  if (!claims.simulated) return pass("the root is the vendor's");
  return policy.allowSimulated
    ? pass("SIMULATED vendor, which the policy allows")
    : fail("SIMULATED vendor: this is no evidence of hardware");
}

function platform(claims: Claims, { policy }: Appraisal): Finding {
  const { platforms } = policy;
  if (platforms.length === 0 || platforms.includes(claims.platform)) return pass(claims.platform);
  return fail(`${claims.platform} is not among ${platforms.join(", ")}`);
}

function node(claims: Claims): Finding | undefined {
  return isDevice(claims)
    ? unasked("a device is no node: it counts only together with a node's evidence that names the hash of this one")
    : undefined;
}

function isDevice({ platform: name }: Claims): boolean {
  return (DEVICE_PLATFORMS as readonly string[]).includes(name);
}

function trailingBytes(claims: Claims): Finding | undefined {
  const count = claims.details["trailingBytes"];
  if (typeof count !== "number") return undefined;
  if (count === 0) return pass("nothing follows the evidence");
  if (claims.details["trailingZero"] === true) return pass(`${count} zero bytes of padding were left out`);
  return warn(`${count} unsigned bytes follow the evidence and were left out`);
}

function debug(claims: Claims, { policy }: Appraisal): Finding {
  if (!claims.debug && claims.details["debugCertified"] === false) {
    return unasked("the certificate does not say: reference measurements would show debug mode");
  }
  if (!claims.debug) return pass("not in debug mode");
  const detail = "debug mode: the host can read everything";
  return policy.allowDebug ? warn(detail) : fail(detail);
}

function tdAttributes(claims: Claims, { policy }: Appraisal): Finding | undefined {
  const { tdAttributes: attributes, xfam } = claims.details;
  if (typeof attributes !== "string" || typeof xfam !== "string") return undefined;
  const features = xfamFindings(xfam);
  const fault = tdAttributesFault(attributes, policy.allowDebug) ?? features.fault;
  if (fault !== undefined) return fail(fault);
  return features.unknown === undefined ? pass(`attributes ${attributes}, XFAM ${xfam}`) : warn(features.unknown);
}

function serviceTd(claims: Claims, { policy }: Appraisal): Finding | undefined {
  const { mrservicetd } = claims.measurements;
  if (mrservicetd === undefined) return undefined;
  if (/^0+$/.test(mrservicetd)) return pass("no service TD is bound");
  return policy.allowServiceTd
    ? warn(`service TD ${mrservicetd} is bound`)
    : fail(`service TD ${mrservicetd} is bound`);
}

/** A migration agent may move the guest with its memory, as a service TD may. */
function migrationAgent(claims: Claims, { policy }: Appraisal): Finding | undefined {
  const { migrationAgentAllowed: allowed } = claims.details;
  if (typeof allowed !== "boolean") return undefined;
  if (!allowed) return pass("the guest policy allows no migration agent");
  const detail = "the guest policy allows a migration agent";
  return policy.allowServiceTd ? warn(detail) : fail(detail);
}

/** The measurement that identifies the code, by family. */
const CODE_MEASUREMENTS = ["mrenclave", "mrtd", "measurement", "pcr0"];

function measured(claims: Claims): Finding {
  if (claims.platform === "aws-nitro" && claims.debug) return unasked("a Nitro enclave in debug mode is not measured");
  if (isDevice(claims)) return deviceMeasured(Object.values(claims.measurements));
  const found = CODE_MEASUREMENTS.filter((name) => claims.measurements[name] !== undefined);
  const zero = found.filter((name) => /^0+$/.test(claims.measurements[name] ?? ""));
  if (found.length === 0 || zero.length > 0) return fail(`nothing was measured: ${zero.join(", ")} is zero`);
  return pass(found.map((name) => `${name} ${claims.measurements[name] ?? ""}`).join(", "));
}

function deviceMeasured(measurements: readonly string[]): Finding {
  const taken = measurements.filter((value) => !/^0*$/.test(value));
  if (taken.length === 0) return fail("nothing was measured: every measurement is zero");
  return pass(`${taken.length} of ${measurements.length} measurements were taken`);
}

function workload(claims: Claims, { policy }: Appraisal): Finding {
  const { measurements, workloadIds } = policy;
  if (measurements.length === 0 && workloadIds.length === 0) return unasked("the policy has no reference values");
  const known = measurements.some((set) =>
    Object.entries(set).every(([name, value]) => claims.measurements[name] === value),
  );
  if (known || workloadIds.includes(claims.workloadId)) return pass(`workload ${claims.workloadId} is known`);
  return fail(`workload ${claims.workloadId} is not among the reference values`);
}

function reportData(claims: Claims, { expectedReportData }: Appraisal): Finding {
  if (expectedReportData === undefined) return unasked("no report data was expected");
  const expected = toHex(expectedReportData).slice(2);
  if (claims.reportData === expected) return pass("the report data is as expected");
  return fail(`the report data is ${claims.reportData}, expected ${expected}`);
}

function tcbStatus({ tcb }: Claims, { policy }: Appraisal): Finding {
  if (tcb === undefined) return { outcome: "unasked", detail: "the TCB was not evaluated" };
  if (!policy.tcbStatuses.includes(tcb.status)) return fail(`TCB status ${tcb.status} is not accepted`);
  const detail = `TCB status ${tcb.status} as of ${tcb.date}`;
  return tcb.status === "UpToDate" ? pass(detail) : warn(detail);
}

function tcbEvaluation({ tcb }: Claims, { policy }: Appraisal): Finding {
  const least = policy.minimumEvaluationNumber;
  if (tcb === undefined) return least > 0 ? { outcome: "missing", detail: "the TCB was not evaluated" } : unasked("-");
  const detail = `TCB evaluation data number ${tcb.evaluationDataNumber}`;
  return tcb.evaluationDataNumber >= least ? pass(detail) : fail(`${detail} is below ${least}`);
}

function advisories({ tcb }: Claims, { policy }: Appraisal): Finding {
  if (tcb === undefined) return unasked("the TCB was not evaluated");
  const refused = tcb.advisoryIds.filter((id) => policy.refusedAdvisories.includes(id));
  if (refused.length > 0) return fail(`refused advisories apply: ${refused.join(", ")}`);
  return pass(tcb.advisoryIds.length === 0 ? "no advisories apply" : `advisories: ${tcb.advisoryIds.join(", ")}`);
}
