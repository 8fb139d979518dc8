import type { Command } from "commander";
import { CloisterError, ConfigError } from "../errors.ts";
import { inspectEvidence, type Inspection, type Shown } from "../verifier/inspect.ts";
import { parseNodeEvidence } from "../verifier/node-evidence.ts";
import { decodeBytes, isJsonObject, readFileBytes, readFileJson } from "./files.ts";
import type { Report, Session } from "./session.ts";
import { verb } from "./verb.ts";

/** Adds `evidence inspect`. */
export function addInspect(parent: Command, session: Session): void {
  verb(parent, "inspect", {
    description: "show every field of evidence, of any family, without verifying anything",
    example: "cloister evidence inspect quote.bin",
  })
    .argument("<file>", "evidence, raw or in hex or base64, or the JSON of a worker's GET /v1/evidence")
    .action((file: string) => session.conclude(inspectFile(file)));
}

/** Raw evidence out of a file, or of what a worker says of itself; throws `ConfigError` `CONFIG_INVALID` for other JSON. */
export function readRawEvidence(file: string): readonly Uint8Array[] {
  const bytes = readFileBytes(file);
  if (!isJsonObject(bytes)) return [decodeBytes(bytes)];
  try {
    const { evidence, devices } = parseNodeEvidence(readFileJson(file));
    return [evidence, ...devices.map((device) => device.evidence)];
  } catch (cause) {
    if (!(cause instanceof CloisterError)) throw cause;
    throw new ConfigError("CONFIG_INVALID", `${file} is no node evidence: ${cause.message}`, { cause });
  }
}

function inspectFile(file: string): Report {
  const inspections = readRawEvidence(file).map(inspectEvidence);
  const [node, ...devices] = inspections;
  return {
    exit: 0,
    json: devices.length === 0 ? node : { ...node, devices },
    lines: inspections.flatMap(inspectionLines),
  };
}

function inspectionLines({ platform, summary, fields }: Inspection): readonly string[] {
  return [
    "NOT VERIFIED  what follows is what the evidence says of itself",
    `${platform}  ${summary}`,
    ...fieldLines(fields, ""),
  ];
}

function fieldLines(value: Shown, path: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [`${path}  ${value ?? "null"}`];
  const dotted = path === "" ? "" : `${path}.`;
  return Object.entries(value).flatMap(([name, member]: [string, Shown]) =>
    fieldLines(member, Array.isArray(value) ? `${path}[${name}]` : `${dotted}${name}`),
  );
}
