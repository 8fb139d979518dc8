import { CloisterError } from "../../offchain/errors.ts";
import { findChromium } from "../../scripts/browser/chromium.ts";

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
