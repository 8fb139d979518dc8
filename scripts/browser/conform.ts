import { basename, dirname } from "node:path";
import { summarise, type ConformanceReport } from "../../offchain/verifier/conformance.ts";
import { runManifest } from "../conformance/run.ts";
import { openSession, type Session } from "./session.ts";

/** The browser's report, and where it says something else than Node. */
export interface BrowserConformance {
  readonly browser: string;
  readonly report: ConformanceReport;
  readonly differences: readonly string[];
}

/** Runs every vector of a manifest file in Chromium and in Node at the same time of the vectors, and compares each outcome whole: verdict, failures and details. */
export async function conformInBrowser(manifest: string): Promise<BrowserConformance> {
  const session = await openSession(dirname(manifest));
  try {
    return await conformIn(session, manifest);
  } finally {
    await session.close();
  }
}

/** The same in a session over the manifest's folder. */
export async function conformIn({ page, browser }: Session, manifest: string): Promise<BrowserConformance> {
  const anyTime = Date.now();
  const expected = await runManifest(manifest, anyTime);
  const request = { manifest: `/files/${basename(manifest)}`, anyTime };
  const found = await page.evaluate(async (given) => globalThis.cloister.conform(given), request);
  if (found.length !== expected.length) throw new Error(`${found.length} outcomes of ${expected.length} vectors`);
  const outcomes = found.map((outcome, index) => ({ ...expected[index]!, ...outcome }));
  const differences = expected.flatMap(({ vector, status, got, reason }, index) => {
    const other = found[index];
    const same = other?.id === vector.id && other.status === status && other.got === got && other.reason === reason;
    return same ? [] : [`${vector.id}: ${status} ${got} (${reason}) in Node, ${JSON.stringify(other)} in ${browser}`];
  });
  return { browser, report: summarise(outcomes), differences };
}
