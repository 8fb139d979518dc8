import type { Claims } from "../../evidence/scheme.ts";
import { fail, HOUSE, isDevice, missing, pass, unasked, warn, type Case, type Finding, type Rule } from "./rule.ts";

/** Where evidence comes from, and how old it and its endorsements are. */
export const ORIGIN_RULES: readonly Rule[] = [
  { id: "trust-root", reference: "RFC 9334 section 7.5", judge: trustRoot },
  { id: "accepted-root", reference: "RFC 9334 section 7.5", judge: acceptedRoot },
  { id: "platform", reference: HOUSE, judge: platform },
  { id: "deny-list", reference: "docs/verification.md, layers", judge: denyList },
  { id: "node", reference: "docs/protocol.md section 3", judge: node },
  { id: "trailing-bytes", reference: HOUSE, judge: trailingBytes },
  { id: "evidence-age", reference: "RFC 9334 section 10", judge: evidenceAge },
  { id: "endorsement-age", reference: "RFC 9334 section 10", judge: endorsementAge },
];

const SECOND = 1000;

function trustRoot(claims: Claims, { policy }: Case): Finding {
  if (!claims.simulated) return pass("the root is the vendor's");
  return policy.allowSimulated
    ? pass("SIMULATED vendor, which the policy allows")
    : fail("SIMULATED vendor: this is no evidence of hardware");
}

function acceptedRoot({ root }: Claims, { policy }: Case): Finding | undefined {
  const { roots } = policy;
  if (roots.length === 0) return undefined;
  const accepted = roots.some((name) => name === root.name || spkiOf(name) === root.spkiSha256);
  return accepted ? pass(root.name) : fail(`${root.name} (${root.spkiSha256}) is not among ${roots.join(", ")}`);
}

function spkiOf(name: string): string {
  return name.toLowerCase().replace(/^0x/, "");
}

function platform(claims: Claims, { policy }: Case): Finding {
  const { platforms } = policy;
  if (platforms.length === 0 || platforms.includes(claims.platform)) return pass(claims.platform);
  return fail(`${claims.platform} is not among ${platforms.join(", ")}`);
}

/** Whoever hides what is denied is not told apart from whoever has nothing to hide. */
function denyList(claims: Claims, { policy }: Case): Finding | undefined {
  const { platforms, platformIds, workloadIds } = policy.deny;
  if (platforms.length + platformIds.length + workloadIds.length === 0) return undefined;
  if (platforms.includes(claims.platform)) return fail(`${claims.platform} is denied`);
  if (workloadIds.includes(claims.workloadId)) return fail(`workload ${claims.workloadId} is denied`);
  if (platformIds.length === 0) return pass("not denied");
  if (claims.platformId === undefined) return missing("not checked: the evidence names no platform id");
  return platformIds.includes(claims.platformId)
    ? fail(`platform id ${claims.platformId} is denied`)
    : pass("not denied");
}

function node(claims: Claims): Finding | undefined {
  return isDevice(claims)
    ? unasked("a device is no node: it counts only together with a node's evidence that names the hash of this one")
    : undefined;
}

function trailingBytes(claims: Claims): Finding | undefined {
  const count = claims.details["trailingBytes"];
  if (typeof count !== "number") return undefined;
  if (count === 0) return pass("nothing follows the evidence");
  if (claims.details["trailingZero"] === true) return pass(`${count} zero bytes of padding were left out`);
  return warn(`${count} unsigned bytes follow the evidence and were left out`);
}

/** Only a Nitro document says itself when it was made. */
function evidenceAge({ details }: Claims, { policy, now, evidenceTime }: Case): Finding | undefined {
  const { maximumEvidenceAge: most } = policy;
  if (most === null) return undefined;
  const stated = details["timestamp"];
  const made = evidenceTime ?? (typeof stated === "number" ? stated : undefined);
  if (made === undefined) return missing("not checked: nothing says when the evidence was made");
  if (made > now)
    return fail(`the evidence was made ${seconds(made - now)} after the time of judging`, "EVIDENCE_STALE");
  const detail = `the evidence is ${seconds(now - made)} old`;
  return now - made <= most * SECOND ? pass(detail) : fail(`${detail}, more than ${most} s`, "EVIDENCE_STALE");
}

/** Old endorsements say nothing against the evidence: newer ones decide. */
function endorsementAge({ platform: name, endorsedAt }: Claims, { policy, now }: Case): Finding | undefined {
  const { maximumEndorsementAge: most } = policy;
  if (most === null) return undefined;
  if (endorsedAt !== undefined) {
    const detail = `the oldest statement was issued ${seconds(now - endorsedAt)} ago`;
    return now - endorsedAt <= most * SECOND
      ? pass(detail)
      : missing(`${detail}, more than ${most} s`, "ENDORSEMENT_EXPIRED");
  }
  if (name === "aws-nitro") return unasked("a document of AWS Nitro needs no endorsements");
  return missing("not checked: no statement of the vendor was given");
}

function seconds(milliseconds: number): string {
  return `${Math.floor(milliseconds / SECOND)} s`;
}
