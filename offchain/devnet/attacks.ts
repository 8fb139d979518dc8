import { CloisterError } from "../errors.ts";
import { revertName } from "../chain/failure.ts";
import { evidenceAttacks } from "./attack-evidence.ts";
import { machineAttacks } from "./attack-machines.ts";
import { paymentAttacks } from "./attack-payment.ts";
import type { Network } from "./network.ts";
import type { Story } from "./report.ts";
import type { Played } from "./story.ts";

/** One attack: what it tries, and the code that must refuse it. */
export interface Attack {
  readonly id: string;
  readonly tries: string;
  readonly refusedBy: string;
  /** Resolves to the code of the refusal, or to `ACCEPTED`; may also throw the refusal. */
  readonly attempt: () => Promise<string>;
}

/** Every attack that this network is tried with. */
export function attacksOn(network: Network, played: Played): readonly Attack[] {
  return [...evidenceAttacks(network, played), ...machineAttacks(network, played), ...paymentAttacks(network, played)];
}

/** Tries every attack; each passes only if it was refused, and for its own reason. */
export async function playAttacks(network: Network, played: Played, story: Story): Promise<void> {
  story.chapter("Attacks: each must be refused, with its own reason");
  const refused: string[] = [];
  for (const attack of attacksOn(network, played)) {
    const { id, tries, refusedBy } = attack;
    const code = await refusalOf(attack);
    const holds = code === refusedBy;
    story.record({
      id: `attack/${id}`,
      outcome: holds ? "PASS" : "FAIL",
      detail: holds ? `${tries}: refused, ${code}` : `${tries}: ${code}, expected ${refusedBy}`,
    });
    if (holds) refused.push(`${id}: ${code}`);
  }
  story.fact("refusedAttacks", refused);
}

/** Tries an attack and gives the code of its refusal, or `ACCEPTED`; what is no coded error is given by its message. */
export function refusalOf({ attempt }: Attack): Promise<string> {
  return attempt().catch(codeOf);
}

function codeOf(error: unknown): string {
  if (error instanceof CloisterError) return revertName(error) ?? error.code;
  return error instanceof Error ? error.message : String(error);
}
