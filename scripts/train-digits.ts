/** Trains the digit recogniser on digits that it draws, and writes it as a model package. See docs/models.md. */
import { parseArgs } from "node:util";
import { ConfigError } from "../offchain/errors.ts";
import { drawHeldOut } from "./digits/held-out.ts";
import { publishDigits } from "./digits/publish.ts";
import { FULL_PLAN, QUICK_PLAN, trainDigits } from "./digits/training.ts";

const LEAST_ACCURACY = 0.95;
const REPORT_EVERY = 100;

interface Options {
  readonly seed: number;
  readonly out: string;
  readonly quick: boolean;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      out: { type: "string", default: "models/digits" },
      quick: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new ConfigError("CONFIG_INVALID", `--seed ${values.seed} is no whole number of 32 bits`);
  return { seed, out: values.out, quick: values.quick };
}

async function train({ seed, out, quick }: Options): Promise<void> {
  const plan = { seed, ...(quick ? QUICK_PLAN : FULL_PLAN) };
  say(`training on ${plan.steps * plan.batch} drawn digits, seed ${seed}`);
  let sum = 0;
  const network = trainDigits(plan, (step, loss) => {
    sum += loss;
    if (step % REPORT_EVERY !== 0) return;
    say(`step ${step} of ${plan.steps}: cross entropy ${(sum / REPORT_EVERY).toFixed(4)}`);
    sum = 0;
  });
  const { manifest, root } = await publishDigits(out, network, drawHeldOut(), seed);
  const { correct = 0, samples = 0, accuracy = 0 } = manifest.evaluation ?? {};
  say(`held out: ${correct} of ${samples} right, ${(100 * accuracy).toFixed(1)} %`);
  say(`wrote ${out}, root ${root}`);
  if (!quick && accuracy < LEAST_ACCURACY) process.exitCode = 1;
}

await train(readOptions());
