import { PrivacyError } from "../errors.ts";
import type { MicroRho } from "./cost.ts";

/**
 * A filter for costs that are chosen while the answers come in: what is spent and held together never passes the limit.
 * `spent` only grows.
 * @see https://arxiv.org/abs/2309.05901 fully adaptive composition of zCDP
 */
export interface Budget {
  readonly limit: MicroRho;
  readonly spent: MicroRho;
  /** Set aside for releases that are under way. */
  readonly held: MicroRho;
}

/** What can still be held. */
export function budgetLeft({ limit, spent, held }: Budget): MicroRho {
  const left = limit - spent - held;
  return left > 0n ? left : 0n;
}

/** Sets a cost aside; throws `PrivacyError` `BUDGET_EXCEEDED` before the limit is passed, `PARAMETER_INVALID` for a cost below 1. */
export function holdCost(budget: Budget, cost: MicroRho): Budget {
  if (cost < 1n) throw new PrivacyError("PARAMETER_INVALID", "a release costs at least a millionth of rho");
  if (cost > budgetLeft(budget)) throw new PrivacyError("BUDGET_EXCEEDED", "the privacy budget does not allow this");
  return { ...budget, held: budget.held + cost };
}

/** Spends `cost` of the `held` that was set aside for it and frees the rest; throws `PrivacyError` `LEDGER_CONFLICT` for more than was held. */
export function settleCost(budget: Budget, held: MicroRho, cost: MicroRho): Budget {
  if (cost < 0n || cost > held || held > budget.held)
    throw new PrivacyError("LEDGER_CONFLICT", "more is spent than was set aside");
  return { ...budget, held: budget.held - held, spent: budget.spent + cost };
}
