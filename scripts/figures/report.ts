/** One measured quantity; null where there is no peer or no target. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run or published. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** How many times less than the peer: `peerValue / value`. */
  readonly ratio: number | null;
  /** The most that `value` should be. */
  readonly target: number | null;
  readonly holds: boolean | null;
}

/** What a measuring program prints. */
export interface FiguresReport {
  readonly name: string;
  /** Where it was measured. */
  readonly machine: Readonly<Record<string, string | number>>;
  readonly figures: readonly Figure[];
}

/** Completes a figure with its ratio and whether it holds. */
export function figureOf(
  measured: Pick<Figure, "what" | "value" | "unit">,
  against: {
    readonly peer?: { readonly name: string; readonly value: number };
    readonly target?: number | undefined;
  } = {},
): Figure {
  const { peer, target } = against;
  return {
    ...measured,
    peer: peer?.name ?? null,
    peerValue: peer?.value ?? null,
    ratio: peer === undefined ? null : roundTo(peer.value / measured.value, 3),
    target: target ?? null,
    holds: target === undefined ? null : measured.value <= target,
  };
}

/** Rounds to so many significant digits. */
export function roundTo(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** The report as lines of a table for people. */
export function tableOf({ name, machine, figures }: FiguresReport): string {
  const header = ["what", "value", "unit", "peer", "times less", "target", ""];
  const rows = figures.map((figure) => [
    figure.what,
    numberText(figure.value),
    figure.unit,
    figure.peer === null ? "" : `${numberText(figure.peerValue)} ${figure.peer}`,
    figure.ratio === null ? "" : numberText(figure.ratio),
    numberText(figure.target),
    figure.holds === null ? "" : figure.holds ? "holds" : "MISSED",
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = [header, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  const where = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  return [`${name}: ${where.join(", ")}`, "", ...lines.map((line) => line.trimEnd())].join("\n");
}

function numberText(value: number | null): string {
  return value === null ? "" : value.toLocaleString("en-US", { maximumSignificantDigits: 12 });
}
