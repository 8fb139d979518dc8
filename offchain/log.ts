import { pino } from "pino";
import type { Logger } from "pino";

export type Log = Logger;

const SECRET_PATHS = [
  "privateKey",
  "secret",
  "key",
  "*.privateKey",
  "*.secret",
  "*.key",
  "authorization",
  "*.authorization",
];

/**
 * Makes a structured logger that writes JSON lines to standard error and never prints keys.
 * Level is one of pino's names (`debug`, `info`, `warn`, `error`, `silent`).
 */
export function createLog(name: string, level = "info"): Log {
  return pino(
    { name, level, redact: { paths: SECRET_PATHS, censor: "[redacted]" } },
    pino.destination({ fd: 2, sync: true }),
  );
}
