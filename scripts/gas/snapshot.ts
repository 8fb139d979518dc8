import type { Figure, FiguresReport } from "../figures/report.ts";
import { prettyJson } from "../../offchain/encoding/json.ts";

/** The committed figures: gas by what was measured. */
export interface GasSnapshot {
  readonly hardfork: string;
  readonly compiler: string;
  readonly gas: Readonly<Record<string, number>>;
}

const TOLERANCE = 0.01;

/** The text of the snapshot of a report. */
export function snapshotOf({ machine, figures }: FiguresReport): string {
  const gas = Object.fromEntries(figures.map(({ what, value }) => [what, value]));
  return `${prettyJson({ hardfork: machine["hardfork"], compiler: machine["compiler"], gas })}\n`;
}

/** What does not agree with a snapshot, in words: figures more than 1 % above it, and those that only one side has. */
export function compareWithSnapshot(figures: readonly Figure[], snapshot: GasSnapshot): readonly string[] {
  const measured = new Set(figures.map(({ what }) => what));
  const gone = Object.keys(snapshot.gas).filter((what) => !measured.has(what));
  return [
    ...figures.flatMap((figure) => faultOf(figure, snapshot.gas[figure.what])),
    ...gone.map((what) => `${what}: in the snapshot and not measured`),
  ];
}

function faultOf({ what, value }: Figure, before: number | undefined): readonly string[] {
  if (before === undefined) return [`${what}: not in the snapshot`];
  if (value <= before * (1 + TOLERANCE)) return [];
  return [`${what}: ${value}, above ${before} by ${((value / before - 1) * 100).toFixed(1)} %`];
}
