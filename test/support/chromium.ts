import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloisterError } from "../../offchain/errors.ts";
import { bundlePage } from "../../scripts/browser/bundle.ts";
import { findChromium } from "../../scripts/browser/chromium.ts";
import type { Session } from "../../scripts/browser/session.ts";

/**
 * Skips a test, visibly, where there is no Chromium; under CI=true its absence is a failure.
 * Call it first in a `before` hook with the hook's own `this`.
 */
export function needChromium(context: Mocha.Context): void {
  try {
    findChromium();
  } catch (error) {
    if (process.env["CI"] === "true" || !(error instanceof CloisterError)) throw error;
    console.log(`      skipped: ${error.message}. ${error.next ?? ""}`);
    context.skip();
  }
}

/** Bundles a module, given as text whose imports are absolute, and runs it in the page; throws what it throws there. */
export async function runInPage({ page }: Session, text: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cloister-page-"));
  try {
    const entry = join(folder, "entry.ts");
    writeFileSync(entry, text);
    await page.evaluate(
      async (code) => {
        await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      },
      await bundlePage(entry),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
