/** The `cloister` command; `scripts/cloister.js` starts it under the pinned Node. */
import { fileURLToPath } from "node:url";
import { runCommandLine } from "./program.ts";
import type { Environment } from "./session.ts";

function readEnvironment(): Environment {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const profile = process.env["CLOISTER_PROFILE"];
  return { cwd: process.cwd(), root, profile: profile === "" ? undefined : profile };
}

process.exitCode = await runCommandLine(process.argv.slice(2), readEnvironment(), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
