import type { Claims } from "../../evidence/scheme.ts";
import type { SevSnpFloor } from "../policy.ts";
import { fail, missing, pass, unasked, warn, type Case, type Finding, type Rule } from "./rule.ts";

/** The state of the platform's trusted computing base. */
export const TCB_RULES: readonly Rule[] = [
  { id: "tcb-status", reference: "Intel PCS API v4, How to determine TCB status", judge: tcbStatus },
  { id: "tcb-evaluation", reference: "Intel PCS API v4, TCB evaluation data number", judge: tcbEvaluation },
  { id: "advisories", reference: "Intel PCS API v4, TCB Info model", judge: advisories },
  { id: "minimum-tcb", reference: "AMD publication 56860, TCB_VERSION and REPORTED_TCB", judge: minimumTcb },
];

const NOT_EVALUATED = "the TCB was not evaluated";

function tcbStatus({ tcb }: Claims, { policy }: Case): Finding {
  if (tcb === undefined) return unasked(NOT_EVALUATED);
  if (!policy.tcbStatuses.includes(tcb.status)) return fail(`TCB status ${tcb.status} is not accepted`);
  const detail = `TCB status ${tcb.status} as of ${tcb.date}`;
  return tcb.status === "UpToDate" ? pass(detail) : warn(detail);
}

function tcbEvaluation({ tcb }: Claims, { policy }: Case): Finding {
  const least = policy.minimumEvaluationNumber;
  if (tcb === undefined) return least > 0 ? missing(`not checked: ${NOT_EVALUATED}`) : unasked(NOT_EVALUATED);
  const detail = `TCB evaluation data number ${tcb.evaluationDataNumber}`;
  return tcb.evaluationDataNumber >= least ? pass(detail) : fail(`${detail} is below ${least}`);
}

/** Only Intel's statements name advisories. */
function advisories({ tcb, platform }: Claims, { policy }: Case): Finding {
  const { deny, acceptedAdvisories: accepted } = policy;
  if (tcb === undefined) {
    const asked = platform.startsWith("intel-") && (deny.advisories.length > 0 || accepted !== null);
    return asked ? missing(`not checked: ${NOT_EVALUATED}`) : unasked(NOT_EVALUATED);
  }
  const refused = tcb.advisoryIds.filter((id) => deny.advisories.includes(id) || accepted?.includes(id) === false);
  if (refused.length > 0) return fail(`refused advisories apply: ${refused.join(", ")}`);
  return pass(tcb.advisoryIds.length === 0 ? "no advisories apply" : `advisories: ${tcb.advisoryIds.join(", ")}`);
}

const PARTS: Readonly<Record<keyof SevSnpFloor, string>> = {
  bootloader: "reportedTcbBl",
  tee: "reportedTcbTee",
  snp: "reportedTcbSnp",
  microcode: "reportedTcbUcode",
  fmc: "reportedTcbFmc",
};

/** The reported TCB is the one that AMD's key is derived from, and no other of the report is below it. */
function minimumTcb({ platform, details }: Claims, { policy }: Case): Finding | undefined {
  const floor = policy.minimumSevSnpTcb;
  const parts = Object.keys(PARTS) as (keyof SevSnpFloor)[];
  const asked = parts.filter((part) => floor[part] !== undefined && (part !== "fmc" || details["product"] === "Turin"));
  if (platform !== "amd-sev-snp" || asked.length === 0) return undefined;
  const found = asked.map((part) => ({ part, least: floor[part] ?? 0, svn: details[PARTS[part]] }));
  const below = found.filter(({ svn, least }) => typeof svn !== "number" || svn < least);
  const text = (list: typeof found): string => list.map(({ part, svn }) => `${part} ${String(svn)}`).join(", ");
  return below.length === 0 ? pass(text(found)) : fail(`below the floor: ${text(below)}`);
}
