import { expect } from "chai";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";

const FLOORS: Readonly<Record<string, number>> = {
  "errors.ts": 1,
  "log.ts": 1,
  "locks.ts": 1,
  encoding: 2,
  crypto: 2,
  x509: 3,
  cose: 3,
  evidence: 4,
  verifier: 5,
  receipt: 5,
  sealing: 5,
  privacy: 5,
  model: 5,
  chain: 6,
  endorsements: 6,
  inference: 6,
  device: 6,
  store: 6,
  http: 6,
  relayer: 7,
  worker: 7,
  client: 7,
  cli: 8,
  devnet: 8,
};

/** Vendor packages and the one room that may import each. */
const DOORS: Readonly<Record<string, string>> = {
  ethers: "chain",
  "onnxruntime-node": "inference",
  "@peculiar/x509": "x509",
  "cbor-x": "cose",
  "@electric-sql/pglite": "store",
  "@hpke/core": "sealing",
  jose: "verifier",
  secp256k1: "crypto",
  "@noble/curves": "crypto",
  "@noble/hashes": "crypto",
  "hash-wasm": "crypto",
  hono: "http",
  "@hono/node-server": "http",
  commander: "cli",
  "cli-table3": "cli",
  pino: "log.ts",
};

/** The only files of floors 2 to 5 that need Node, for its cryptography; nothing that a browser runs may import them by name. */
const NODE_ONLY = /^offchain\/(?:crypto\/node|x509\/issue(?:-[a-z-]+)?)\.ts$/;
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^"'`;]*?\sfrom\s)?\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

const roomOf = (path: string): string => path.split("/")[1] ?? "";
const files = globSync("offchain/**/*.ts").map((path) => path.replaceAll("\\", "/"));

function importsOf(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function fault(path: string, specifier: string): string | undefined {
  const room = roomOf(path);
  const floor = FLOORS[room] ?? 0;
  if (specifier === "#crypto") return floor >= FLOORS["crypto"]! ? undefined : "up";
  if (specifier.startsWith("node:")) return nodeModuleFault(path, specifier);
  if (!specifier.startsWith(".")) return doorFault(room, packageOf(specifier));
  return fileFault(path, specifier);
}

function fileFault(path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  const floor = FLOORS[roomOf(path)] ?? 0;
  if (!target.startsWith("offchain/") || !specifier.endsWith(".ts")) return "leaves offchain or lacks its .ts ending";
  if (floor <= 5 && NODE_ONLY.test(target) && !NODE_ONLY.test(path)) return "needs Node on a pure floor";
  if (roomOf(target) === roomOf(path)) return siblingFault(path, target);
  return (FLOORS[roomOf(target)] ?? 99) < floor ? undefined : "sideways or up";
}

function nodeModuleFault(path: string, specifier: string): string | undefined {
  const floor = FLOORS[roomOf(path)] ?? 0;
  const allowed = NODE_ONLY.test(path) && specifier === "node:crypto";
  return floor > 1 && floor <= 5 && !allowed ? "needs Node on a pure floor" : undefined;
}

function doorFault(room: string, name: string): string | undefined {
  if (!(name in DOORS)) return `${name} has no door`;
  return DOORS[name] === room ? undefined : `${name} through the wrong door`;
}

function siblingFault(path: string, target: string): string | undefined {
  const [, room, family] = path.split("/");
  const [, , targetFamily] = target.split("/");
  const nested = path.split("/").length > 3 && target.split("/").length > 3;
  return room === "evidence" && nested && family !== targetFamily ? "between evidence siblings" : undefined;
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|^import .*$/gm, "");
}

/** What makes or takes a JavaScript number: literals without the `n` of bigint, the number type, and everything that rounds. */
function floatsIn(source: string): string[] {
  const number =
    /(?<![\w.])\d[\d_]*(?:\.\d+|e\d+)?(?![\w.])|(?<![\w.])\d+e\d+|\bMath\b|\bNumber\b|\bparse(?:Float|Int)\b|\bnumber\b|\bFloat\d+Array\b/g;
  return [...withoutComments(source).matchAll(number)].map(([found]) => found);
}

describe("architecture", () => {
  it("gives every file a floor", () => {
    expect(files).to.not.be.empty;
    expect(files.filter((path) => !(roomOf(path) in FLOORS))).to.deep.equal([]);
  });

  it("imports only from the own room, a lower floor, or a vendor package through its one door", () => {
    const faults = files.flatMap((path) =>
      importsOf(path).flatMap((specifier) => {
        const found = fault(path, specifier);
        return found === undefined ? [] : [`${path} imports ${specifier}: ${found}`];
      }),
    );
    expect(faults).to.deep.equal([]);
  });

  it("recognises what it forbids", () => {
    expect(fault("offchain/evidence/dcap/parse.ts", "../nitro/parse.ts")).to.equal("between evidence siblings");
    expect(fault("offchain/worker/serve.ts", "../client/infer.ts")).to.equal("sideways or up");
    expect(fault("offchain/x509/certificate.ts", "../verifier/result.ts")).to.equal("sideways or up");
    expect(fault("offchain/client/infer.ts", "ethers")).to.equal("ethers through the wrong door");
    expect(fault("offchain/receipt/sign.ts", "node:fs")).to.equal("needs Node on a pure floor");
    expect(fault("offchain/verifier/verify.ts", "node:crypto")).to.equal("needs Node on a pure floor");
    expect(fault("offchain/x509/chain.ts", "./issue.ts")).to.equal("needs Node on a pure floor");
    expect(fault("offchain/client/infer.ts", "left-pad")).to.equal("left-pad has no door");
    expect(fault("offchain/worker/serve.ts", "../receipt/receipt.ts")).to.equal(undefined);
  });

  it("samples noise without floats", () => {
    const [sampler, random] = ["sampler", "random"].map((name) => readFileSync(`offchain/privacy/${name}.ts`, "utf8"));
    expect(floatsIn(sampler!)).to.deep.equal([]);
    // The reader of bytes counts positions in numbers, but neither divides nor rounds them.
    expect(floatsIn(random!).filter((found) => !/^(?:\d+|number)$/.test(found))).to.deep.equal([]);
    expect(withoutComments(random!)).not.to.match(/[^<]\/[^>]/);
    const mutants = [
      "drawn * 0.5",
      "Math.exp(-x)",
      "Number(drawn)",
      "const u: number = next()",
      "1e3",
      "Math.random()",
      "parseFloat(text)",
      "new Float64Array(words.buffer)",
      "step += 1",
    ];
    expect(mutants.filter((mutant) => floatsIn(mutant).length === 0)).to.deep.equal([]);
    expect(floatsIn("step += 1n // of 2 steps\n * 10n")).to.deep.equal([]);
  });

  it("reads no clock and no environment on floors 1 to 5", () => {
    const readers = files.filter(
      (path) =>
        (FLOORS[roomOf(path)] ?? 0) <= 5 &&
        /Date\.now\(|new Date\(\)|process\.env|Math\.random/.test(readFileSync(path, "utf8")),
    );
    expect(readers).to.deep.equal([]);
  });
});
