import type { MutantResult } from "@stryker-mutator/api/core";

/** How the mutants of one room came out. */
export interface RoomScore {
  readonly room: string;
  /** Noticed by a failing test. */
  readonly killed: number;
  /** Noticed by a test that does not end. */
  readonly endless: number;
  readonly survived: number;
  /** Not run by any test. */
  readonly uncovered: number;
  /** Left out: texts for people, and what is evaluated only once while files are loaded. */
  readonly ignored: number;
  /** Per cent of all that were not left out. */
  readonly score: number;
  readonly undetected: readonly string[];
}

/** The least score of a room, per cent. */
export const BREAK_AT = 85;

export function scoreOf(room: string, mutants: readonly MutantResult[]): RoomScore {
  const count = (...statuses: readonly MutantResult["status"][]): number =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  const [killed, endless] = [count("Killed"), count("Timeout")];
  const [survived, uncovered] = [count("Survived"), count("NoCoverage")];
  const missed = mutants.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  return {
    room,
    killed,
    endless,
    survived,
    uncovered,
    ignored: count("Ignored"),
    score: Math.round((10_000 * (killed + endless)) / Math.max(1, killed + endless + survived + uncovered)) / 100,
    undetected: missed.map(lineOf).sort(),
  };
}

function lineOf({ fileName, location, mutatorName, replacement }: MutantResult): string {
  const at = `${fileName.replace(/^.*?offchain\//, "")}:${location.start.line}:${location.start.column}`;
  return `${at} ${mutatorName} ${replacement.replaceAll(/\s+/g, " ").slice(0, 70)}`;
}
