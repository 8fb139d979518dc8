import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Command } from "commander";
import { ConfigError } from "../errors.ts";
import type { Session } from "./session.ts";
import { verb } from "./verb.ts";

interface DevnetOptions {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly dir?: string;
}

interface ConfigOptions {
  readonly config: string;
}

/** Adds `devnet`. */
export function addDevnet(program: Command, session: Session): void {
  verb(program, "devnet", {
    description: "start a whole network on this machine, with simulated hardware, and show the main job",
    example: "cloister devnet --once",
  })
    .option("--once", "exit after the story: 0 only if every step held")
    .option("--dir <directory>", "where the network keeps its files")
    .action(async (options: DevnetOptions) => {
      compileContracts(session);
      const flags = [...(options.once === true ? ["--once"] : []), ...(options.json === true ? ["--json"] : [])];
      const dir = options.dir === undefined ? [] : ["--dir", options.dir];
      session.end(await runProgram(session, ["offchain", "devnet", "main.ts"], [...flags, ...dir]));
    });
}

/** Adds `relayer run`. */
export function addRelayer(program: Command, session: Session): void {
  const relayer = program.command("relayer").description("a member of the verifier committee");
  verb(relayer, "run", {
    description: "run a relayer until it is told to stop",
    example: "cloister relayer run --config relayer.json",
  })
    .requiredOption("--config <file>", "the relayer's configuration, see docs/operators.md")
    .action(async ({ config }: ConfigOptions) =>
      session.end(await runProgram(session, ["offchain", "relayer", "main.ts"], ["--config", config])),
    );
}

/** Adds `node run`. */
export function addNodeRun(node: Command, session: Session): void {
  verb(node, "run", {
    description: "run a worker until it is told to stop",
    example: "cloister node run --config worker.json",
  })
    .requiredOption("--config <file>", "what `node register` wrote, see docs/operators.md")
    .action(async ({ config }: ConfigOptions) =>
      session.end(await runProgram(session, ["offchain", "worker", "main.ts"], ["--config", config])),
    );
}

/** Runs a program of the repository under this Node, hands signals on and gives its exit code. */
async function runProgram(session: Session, program: readonly string[], args: readonly string[]): Promise<number> {
  const path = join(session.environment.root, ...program);
  const child = spawn(process.execPath, [path, ...args], { stdio: "inherit" });
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, handOn);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
    });
  } finally {
    for (const signal of signals) process.off(signal, handOn);
  }
}

/** The devnet deploys what the compiler made of the sources as they are now. */
function compileContracts({ environment, progress }: Session): void {
  progress("compiling the contracts (only what changed)");
  const hardhat = join(environment.root, "node_modules", "hardhat", "dist", "src", "cli.js");
  const { status } = spawnSync(process.execPath, [hardhat, "compile", "--quiet"], {
    cwd: environment.root,
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) return;
  throw new ConfigError("CONFIG_INVALID", "the contracts do not compile", {
    next: "Read the compiler's message above.",
  });
}
