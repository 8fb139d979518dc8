/** What a platform's security lifecycle claim says. */
export type LifecycleState =
  | "unknown"
  | "assembly and test"
  | "root of trust provisioning"
  | "secured"
  | "debug outside the root of trust"
  | "recoverable debug of the root of trust"
  | "decommissioned";

/** By the high byte of the claim; the low byte is the implementation's own. */
const STATES: readonly LifecycleState[] = [
  "unknown",
  "assembly and test",
  "root of trust provisioning",
  "secured",
  "debug outside the root of trust",
  "recoverable debug of the root of trust",
  "decommissioned",
];
const DEBUG: ReadonlySet<LifecycleState> = new Set([
  "debug outside the root of trust",
  "recoverable debug of the root of trust",
] as const);

/**
 * The state of a lifecycle claim: `0xS000` to `0xS0ff` for each state S; any other number is unknown.
 * @see draft-ffm-rats-cca-token, security lifecycle claim; Arm CCA Security Model, CCA platform lifecycle
 */
export function lifecycleState(lifecycle: number): LifecycleState {
  const state = lifecycle % 0x1000 < 0x100 ? STATES[lifecycle >> 12] : undefined;
  return state ?? "unknown";
}

/** Whether somebody may debug parts of the platform that a realm's memory is not kept from for certain. */
export function isDebugState(state: LifecycleState): boolean {
  return DEBUG.has(state);
}
