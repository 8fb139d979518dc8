import { detect } from "../verifier/detect.ts";
import type { Endorsements, FamilyName } from "../verifier/family.ts";
import { ccaPlan } from "./arm-cca.ts";
import { dcapTargetOf } from "./dcap-target.ts";
import { sevSnpPlans } from "./kds.ts";
import { nvidiaPlan } from "./nvidia.ts";
import { dcapPlan } from "./pcs.ts";
import type { Plan } from "./plan.ts";
import type { EndorsementServices } from "./services.ts";

/** Reads from evidence, unverified, what one family's verification needs; several plans where the evidence leaves open which is right. */
type Planner = (services: EndorsementServices, evidence: Uint8Array, given: Endorsements) => readonly Plan[];

const PLANNERS: Readonly<Record<FamilyName, Planner>> = {
  dcap: (services, evidence, given) => [dcapPlan(services, dcapTargetOf(evidence), given)],
  sevSnp: sevSnpPlans,
  // A document carries its whole chain, and AWS publishes no revocation list for it.
  nitro: () => [],
  nvidia: (services, evidence, given) => [nvidiaPlan(services, evidence, given)],
  cca: (_services, _evidence, given) => [ccaPlan(given)],
};

/**
 * What evidence needs of vendors' services beside what came with it. Nothing of the evidence is verified: a lie gets endorsements that
 * do not fit, and verification with them fails. Throws `EvidenceError` where the evidence cannot be read.
 */
export function plansFor(services: EndorsementServices, evidence: Uint8Array, given: Endorsements): readonly Plan[] {
  return PLANNERS[detect(evidence).family](services, evidence, given);
}
