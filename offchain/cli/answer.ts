import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { float32Values, type Tensor } from "../encoding/tensor.ts";
import type { Hex } from "../encoding/bytes.ts";
import { loadPackage } from "../inference/package.ts";
import type { ModelManifest } from "../model/manifest.ts";

/** What a classifier says of one item of the batch. */
export interface Class {
  readonly label: string;
  /** Softmax of the scores, 0 to 1. */
  readonly share: number;
}

/** The manifest of a model whose package is in this clone; undefined where none has the root. */
export async function knownManifest(root: string, modelId: Hex): Promise<ModelManifest | undefined> {
  const directory = join(root, "models");
  if (!existsSync(directory)) return undefined;
  for (const path of globSync("*/manifest.json", { cwd: directory })) {
    const pkg = await loadPackage(join(directory, dirname(path))).catch(() => undefined);
    if (pkg?.root === modelId) return pkg.manifest;
  }
  return undefined;
}

/** The likeliest class of each item, from the first output with a score for each label; none where there is no such output. */
export function classesOf(outputs: readonly Tensor[], labels: readonly string[]): readonly Class[] {
  const scores = outputs.find(
    ({ datatype, shape }) => datatype === "FP32" && shape.length === 2 && shape[1] === labels.length,
  );
  if (scores === undefined || labels.length === 0) return [];
  const values = float32Values(scores);
  return Array.from({ length: scores.shape[0] ?? 0 }, (_, index) =>
    likeliest(values.subarray(index * labels.length, (index + 1) * labels.length), labels),
  );
}

function likeliest(row: Float32Array, labels: readonly string[]): Class {
  const most = Math.max(...row);
  const sum = row.reduce((total, score) => total + Math.exp(score - most), 0);
  return { label: labels[row.indexOf(most)] ?? "", share: 1 / sum };
}
