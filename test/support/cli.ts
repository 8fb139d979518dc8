import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runCommandLine } from "../../offchain/cli/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = fileURLToPath(new URL("../../offchain/cli/main.ts", import.meta.url));

/** What one command line did. */
export interface CliRun {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface CliPlace {
  /** The working directory; it should hold no network of its own. */
  readonly cwd: string;
  readonly profile?: string;
  /** Where the program believes the repository to be; the working directory where not given, so that no devnet of the clone is found. */
  readonly root?: string;
}

/** Runs the real program as a process of its own. */
export async function cloisterProcess(args: readonly string[], { cwd, profile = "" }: CliPlace): Promise<CliRun> {
  const env = { ...process.env, CLOISTER_PROFILE: profile };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [text(child.stdout), text(child.stderr)];
  const exit = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  return { exit, out: await out, err: await err };
}

/** Runs a command line in this process: the same program without the time that a process takes to start. */
export async function cloister(args: readonly string[], { cwd, profile, root = cwd }: CliPlace): Promise<CliRun> {
  const said = { out: "", err: "" };
  const exit = await runCommandLine(
    args,
    { cwd, root, profile },
    {
      out: (more) => void (said.out += more),
      err: (more) => void (said.err += more),
    },
  );
  return { exit, ...said };
}

/** Where the repository is, for tests that start its programs. */
export const REPOSITORY = ROOT;

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const part of stream) all += String(part);
  return all;
}
