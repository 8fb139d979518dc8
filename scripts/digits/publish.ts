import { sha256 } from "#crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toHex } from "../../offchain/encoding/bytes.ts";
import type { PackFields } from "../../offchain/inference/pack.ts";
import { packModel } from "../../offchain/inference/pack.ts";
import { openModel } from "../../offchain/inference/session.ts";
import type { Model } from "../../offchain/inference/session.ts";
import { digitTensor, encodeDigits, likeliestDigits } from "../../offchain/model/digits.ts";
import type { Digit } from "../../offchain/model/digits.ts";
import type { ModelPackage } from "../../offchain/model/package.ts";
import { digitGraph } from "./export.ts";
import { HELD_OUT_TEXT } from "./held-out.ts";
import type { Network } from "./network.ts";
import { encodeOnnx } from "./onnx.ts";

const FIELDS: PackFields = {
  name: "digits",
  version: "1.0.0",
  description: "Recognises a handwritten digit, dark on light, centred by mass in 28x28 pixels",
  labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  limits: { maxRequestBytes: 1_048_576, maxBatch: 64, timeoutMs: 10_000 },
};

/**
 * Writes a trained network and the held-out set as a package into a directory; the accuracy that the manifest states is
 * counted on answers of the package itself.
 */
export async function publishDigits(
  dir: string,
  network: Network,
  heldOut: readonly Digit[],
  seed: number,
): Promise<ModelPackage> {
  await mkdir(dir, { recursive: true });
  const set = encodeDigits(heldOut);
  await writeFile(join(dir, "holdout.bin"), set);
  await writeFile(join(dir, "model.onnx"), encodeOnnx(digitGraph(network)));
  const model = await openModel(await packModel(dir, FIELDS));
  const correct = await countCorrect(model, heldOut);
  await model.close();
  const evaluation = {
    heldOut: HELD_OUT_TEXT,
    heldOutSha256: toHex(sha256(set)),
    samples: heldOut.length,
    correct,
    accuracy: correct / heldOut.length,
    seed,
  };
  return packModel(dir, { ...FIELDS, evaluation });
}

/** How many digits a model names rightly, by its likeliest answer. */
export async function countCorrect(model: Model, digits: readonly Digit[]): Promise<number> {
  const { maxBatch } = model.manifest.limits;
  let correct = 0;
  for (let start = 0; start < digits.length; start += maxBatch) {
    const batch = digits.slice(start, start + maxBatch);
    const [logits] = await model.run([digitTensor(batch.map((digit) => digit.pixels))]);
    const answers = logits === undefined ? [] : likeliestDigits(logits);
    correct += batch.filter((digit, index) => digit.label === answers[index]).length;
  }
  return correct;
}
