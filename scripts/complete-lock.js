// Completes package-lock.json after a change of dependencies: a registry that lacks another platform's optional package makes
// npm leave it out of the lock file, and `npm ci` then refuses the file. Adds the missing entries with the platform that their names tell.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PATH = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

const lock = JSON.parse(readFileSync(PATH, "utf8"));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const version = String(range).replace(/^[\^~]/, "");
    if (path in lock.packages || !/^\d+\.\d+\.\d+/.test(version)) continue;
    const words = name.split(/[/-]/);
    const os = SYSTEMS.filter((system) => words.includes(system));
    const cpu = PROCESSORS.filter((processor) => words.includes(processor));
    if (os.length === 0 && cpu.length === 0) continue;
    const libc = words.includes("musl") || words.includes("musleabihf") ? ["musl"] : [];
    const platform = Object.entries({ cpu, libc, os }).filter(([, values]) => values.length > 0);
    lock.packages[path] = { version, optional: true, ...Object.fromEntries(platform) };
    added.push(`${name}@${version}`);
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(PATH, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
process.stdout.write(`${added.length} entries added\n${added.map((name) => `  ${name}\n`).join("")}`);
