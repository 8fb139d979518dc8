#!/usr/bin/env node
// The `cloister` command: makes sure that the project is set up, then runs the command line under the pinned Node.
import { fileURLToPath } from "node:url";
import { ensureInstalled, runPinned } from "./bootstrap.js";

ensureInstalled();
runPinned([fileURLToPath(new URL("../offchain/cli/main.ts", import.meta.url)), ...process.argv.slice(2)]);
