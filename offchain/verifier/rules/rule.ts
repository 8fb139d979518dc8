import { DEVICE_PLATFORMS, type Claims } from "../../evidence/scheme.ts";
import type { AppraisalPolicy } from "../policy.ts";
import type { Failure } from "../result.ts";

/** What claims are appraised with beside a policy. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 64 bytes that the evidence must carry. */
  readonly expectedReportData: Uint8Array | undefined;
  /** Milliseconds since 1970: when the evidence was made, as the caller knows it. */
  readonly evidenceTime: number | undefined;
}

/** Everything that a rule judges by. */
export interface Case extends Circumstances {
  readonly policy: AppraisalPolicy;
}

/** What a rule found; `unasked` says that there was nothing to check, `missing` that it could not be checked. */
export interface Finding {
  readonly outcome: "pass" | "fail" | "warn" | "missing" | "unasked";
  readonly detail: string;
  /** Where the outcome's own code would not say what to do. */
  readonly code?: Failure["code"];
}

/** One check of claims against a policy. */
export interface Rule {
  readonly id: string;
  readonly reference: string;
  /** Undefined where the rule is not about this kind of evidence. */
  readonly judge: (claims: Claims, judged: Case) => Finding | undefined;
}

export const HOUSE = "docs/verification.md, policy";

export const pass = (detail: string): Finding => ({ outcome: "pass", detail });
export const fail = (detail: string, code?: Failure["code"]): Finding => ({
  outcome: "fail",
  detail,
  ...(code === undefined ? {} : { code }),
});
export const warn = (detail: string): Finding => ({ outcome: "warn", detail });
export const missing = (detail: string, code?: Failure["code"]): Finding => ({
  outcome: "missing",
  detail,
  ...(code === undefined ? {} : { code }),
});
export const unasked = (detail: string): Finding => ({ outcome: "unasked", detail });

/** Whether claims are of a device, which is no node by itself. */
export function isDevice({ platform }: Claims): boolean {
  return (DEVICE_PLATFORMS as readonly string[]).includes(platform);
}
