import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ServiceError } from "../errors.ts";

/** A running child process of the devnet. */
export interface Service {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Asks it to stop (SIGTERM) and waits; after 10 s it is killed. */
  stop(): Promise<void>;
  /** Kills it at once (SIGKILL), as a crash would. */
  kill(): Promise<void>;
}

export interface ServiceStart {
  readonly name: string;
  /** Arguments of Node: the program and its own arguments. */
  readonly args: readonly string[];
  /** Where `<name>.log` goes. */
  readonly logDir: string;
  readonly timeoutMs: number;
  /** Reads the service's URL from a line of its output; undefined while the line says nothing of it. */
  readonly ready: (line: string) => string | undefined;
}

const GRACE_MS = 10_000;

/**
 * Starts a program under this Node and waits until it says that it is ready.
 * Throws `ServiceError` `SERVICE_UNAVAILABLE` where it ends or stays silent instead.
 */
export async function startService(start: ServiceStart): Promise<Service> {
  mkdirSync(start.logDir, { recursive: true });
  const logPath = join(start.logDir, `${start.name}.log`);
  const log = createWriteStream(logPath, { flags: "a" });
  const child = spawn(process.execPath, start.args, { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(log, { end: false });
  const url = await readyUrl(child, start, (line) => log.write(`${line}\n`)).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new ServiceError("SERVICE_UNAVAILABLE", `${start.name} did not start`, { cause, next: `Read ${logPath}.` });
  });
  return {
    name: start.name,
    url,
    pid: child.pid ?? 0,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

/** Reads the line `{"ready":true,"url":"..."}` that Cloister's own services print. */
export function readyLine(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const message = JSON.parse(line) as { ready?: unknown; url?: unknown };
    return message.ready === true && typeof message.url === "string" ? message.url : undefined;
  } catch {
    return undefined;
  }
}

/** A port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === "string") throw new ServiceError("SERVICE_UNAVAILABLE", "no free port");
  return address.port;
}

async function readyUrl(child: ChildProcess, start: ServiceStart, onLine: (line: string) => void): Promise<string> {
  if (child.stdout === null) throw new RangeError("the child has no output");
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready after ${start.timeoutMs} ms`)), start.timeoutMs);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal}`));
    });
    lines.on("line", (line) => {
      onLine(line);
      const url = start.ready(line);
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await ended;
  clearTimeout(timer);
}
