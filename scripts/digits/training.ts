import { createAdam } from "./adam.ts";
import type { Network, Widths } from "./network.ts";
import { createNetwork, randomParameters, zeroParameters } from "./network.ts";
import { createRandom } from "./random.ts";
import { drawStrokes } from "./strokes.ts";

/** How to train: the same plan gives the same network, bit for bit, on the same version of Node. */
export interface TrainingPlan {
  /** 32 bits. */
  readonly seed: number;
  readonly widths: Widths;
  readonly steps: number;
  /** Digits drawn for one step; no digit is used twice. */
  readonly batch: number;
  /** The learning rate at the start; it falls to zero as a half cosine. */
  readonly rate: number;
}

/** The plan that made `models/digits`, but for its seed. */
export const FULL_PLAN: Omit<TrainingPlan, "seed"> = {
  widths: { first: 10, second: 20, hidden: 64 },
  steps: 6000,
  batch: 32,
  rate: 0.002,
};

/** A plan for trying things out: seconds instead of minutes. */
export const QUICK_PLAN: Omit<TrainingPlan, "seed"> = { ...FULL_PLAN, steps: 300 };

/** Trains a network on digits that it draws itself; `report` is told the mean cross entropy of each step. */
export function trainDigits(plan: TrainingPlan, report: (step: number, loss: number) => void): Network {
  const parameters = randomParameters(plan.widths, createRandom(plan.seed, 1));
  const drawing = createRandom(plan.seed, 2);
  const network = createNetwork(plan.widths, parameters);
  const gradients = zeroParameters(plan.widths);
  const adjust = createAdam(parameters.all);
  for (let step = 0; step < plan.steps; step += 1) {
    gradients.all.fill(0);
    let loss = 0;
    for (let drawn = 0; drawn < plan.batch; drawn += 1) {
      const digit = drawing.below(10);
      loss += network.learn(drawStrokes(digit, drawing), digit, gradients);
    }
    for (let index = 0; index < gradients.all.length; index += 1) gradients.all[index]! /= plan.batch;
    adjust(gradients.all, plan.rate * (0.5 + 0.5 * Math.cos((Math.PI * step) / plan.steps)));
    report(step + 1, loss / plan.batch);
  }
  return network;
}
