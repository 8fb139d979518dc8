// Sets the project up under its pinned Node and runs one of its programs. Plain JavaScript without dependencies,
// so that it runs on a bare clone with whatever Node (20 or newer) the machine has.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STAMP = join(ROOT, "node_modules", ".cloister-lock");
const WINDOWS = process.platform === "win32";
const PINNED_NODE = join(ROOT, "node_modules", "node", "bin", WINDOWS ? "node.exe" : "node");
const HARDHAT = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");

/** @param {string} line */
const say = (line) => process.stderr.write(`cloister: ${line}\n`);

/** @param {string} code @param {string} what @param {string} next @returns {never} */
function stop(code, what, next) {
  say(`${code}: ${what}`);
  say(`next: ${next}`);
  process.exit(code === "CONFIG_INVALID" ? 2 : 3);
}

function lockDigest() {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
}

/** @returns {string} the exact version of Node that package.json pins */
function pinnedVersion() {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies.node;
}

function installed() {
  return existsSync(STAMP) && existsSync(PINNED_NODE) && readFileSync(STAMP, "utf8") === lockDigest();
}

/** Installs the locked packages under the pinned major of Node: native packages are chosen by the Node that installs. */
export function ensureInstalled() {
  const major = process.versions.node.split(".")[0] ?? "";
  if (Number(major) < 20)
    stop("CONFIG_INVALID", `Node ${process.versions.node} is too old`, "install Node 20 or newer");
  if (installed()) return;
  const pin = pinnedVersion();
  const [tool, args] = pin.startsWith(`${major}.`)
    ? ["npm", ["ci"]]
    : ["npx", ["-y", "-p", `node@${pin}`, "-c", "npm ci"]];
  say(`setting up: ${tool} ${args.join(" ")} (once per lock file, about a minute)`);
  const started = Date.now();
  const run = spawnSync(tool, args, { cwd: ROOT, stdio: ["ignore", 2, 2], shell: WINDOWS });
  if (run.status !== 0) {
    stop(
      "SERVICE_UNAVAILABLE",
      "the packages could not be installed",
      "check that the npm registry answers and run it again",
    );
  }
  if (!existsSync(PINNED_NODE)) {
    stop(
      "CONFIG_INVALID",
      "the pinned Node was not installed",
      "let npm run install scripts (ignore-scripts=false) and run it again",
    );
  }
  writeFileSync(STAMP, lockDigest());
  say(`set up in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** The environment of every program: the pinned Node and the local tools come first on the PATH. */
function environment() {
  const path = [join(ROOT, "node_modules", "node", "bin"), join(ROOT, "node_modules", ".bin"), process.env.PATH ?? ""];
  // Hardhat reports usage to its maker and waits for the answer unless it is told not to.
  return { ...process.env, PATH: path.join(WINDOWS ? ";" : ":"), HARDHAT_DISABLE_TELEMETRY: "true" };
}

/** Runs a program under the pinned Node, hands signals on and ends with its exit code. @param {string[]} args */
export function runPinned(args) {
  const child = spawn(PINNED_NODE, args, { stdio: "inherit", env: environment() });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => stop("CONFIG_INVALID", error.message, "remove node_modules and run the command again"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

/** Compiles the contracts where artifacts are missing or older than the sources. */
export function ensureCompiled() {
  const options = { cwd: ROOT, stdio: ["ignore", 2, 2], env: environment() };
  const run = spawnSync(PINNED_NODE, [HARDHAT, "compile", "--quiet"], options);
  if (run.status !== 0) stop("CONFIG_INVALID", "the contracts do not compile", "read the compiler's message above");
}

function main() {
  const [command, ...rest] = process.argv.slice(2);
  ensureInstalled();
  if (command === "start") {
    say("compiling the contracts (only what changed)");
    ensureCompiled();
    runPinned([join(ROOT, "offchain", "devnet", "main.ts"), ...rest]);
  } else if (command === "test") {
    process.chdir(ROOT);
    runPinned([HARDHAT, "test", ...rest]);
  } else if (command === "run" && rest.length > 0) {
    runPinned(rest);
  } else {
    stop(
      "CONFIG_INVALID",
      `unknown command ${command ?? "(none)"}`,
      "npm start, npm test, or npm run to list the others",
    );
  }
}

if (fileURLToPath(import.meta.url) === realpathSync(process.argv[1] ?? ".")) main();
