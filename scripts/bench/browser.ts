import type { TimedSubject } from "../browser/measure.ts";
import { toHex } from "../../offchain/encoding/bytes.ts";
import { timeOf } from "../browser/measure.ts";
import { openSession } from "../browser/session.ts";
import { figureOf, roundTo, type Figure } from "../figures/report.ts";
import { loadSubjects } from "./subjects.ts";

const PEER = "the same in Node, with the Node back of #crypto";
const BUDGET_MS = 5000;

/** Our verification of one TDX v4 quote in Chromium beside Node: milliseconds of wall time each. */
export async function benchBrowser(notice: (text: string) => void): Promise<readonly Figure[]> {
  const { real, subjects } = await loadSubjects();
  if (!real) notice("no shared vectors (CLOISTER_VECTORS): simulated evidence is measured instead\n");
  const subject = subjects.find(({ name }) => name.endsWith("TDX v4"));
  if (subject === undefined) throw new Error("there is no TDX v4 quote to measure with");
  const { name, quote, endorsements, trustRoot, now } = subject;
  const parts = Object.entries(endorsements).map(([role, bytes]) => [role, toHex(bytes as Uint8Array)]);
  const given = { quote: toHex(quote), endorsements: Object.fromEntries(parts), trustRoot, now, budgetMs: BUDGET_MS };
  const session = await openSession();
  try {
    const figures: Figure[] = [];
    for (const remembered of [false, true]) {
      const timed: TimedSubject = { ...given, remembered };
      const value = await session.page.evaluate(async (input) => globalThis.cloister.timeOf(input), timed);
      const peer = { name: PEER, value: roundTo(await timeOf(timed), 3) };
      const state = remembered ? "known platform renews" : "nothing remembered";
      const what = `${name} in ${session.browser}, ${state}`;
      figures.push(figureOf({ what, value: roundTo(value, 3), unit: "ms" }, { peer }));
    }
    return figures;
  } finally {
    await session.close();
  }
}
