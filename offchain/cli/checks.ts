import type { Check } from "../evidence/scheme.ts";

const LABELS = { pass: "PASS", fail: "FAIL", none: "SKIP" } as const;

/** How evidence of a simulated vendor is marked wherever it is shown. */
export const SIMULATED_LINE =
  "SIMULATED  the evidence is of a simulated vendor: it shows how the checks work and proves nothing about hardware";

/** One labelled line for each check: what was found, and who asks for it. A check that was not made is no pass. */
export function checkLines(checks: readonly Check[]): readonly string[] {
  const width = Math.max(0, ...checks.map(({ id }) => id.length));
  return checks.map(
    ({ id, outcome, detail, reference }) => `${LABELS[outcome]}  ${id.padEnd(width)}  ${detail}  [${reference}]`,
  );
}

const HARDWARE = "hardware/";

/** As `checkLines`, with the hardware's checks that passed counted in one line. */
export function shortCheckLines(checks: readonly Check[]): readonly string[] {
  const passed = checks.filter(({ id, outcome }) => id.startsWith(HARDWARE) && outcome === "pass");
  const summary: Check = {
    id: "hardware",
    outcome: "pass",
    detail: `${passed.length} checks of the hardware's evidence`,
    reference: "docs/verification.md",
  };
  return checkLines([...(passed.length === 0 ? [] : [summary]), ...checks.filter((check) => !passed.includes(check))]);
}
