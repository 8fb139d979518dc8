import type { Command } from "commander";
import { inspectEvidence, type Inspection, type Shown } from "../verifier/inspect.ts";
import { readEvidence } from "./evidence-input.ts";
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

function inspectFile(file: string): Report {
  const { evidence, devices: beside } = readEvidence(file);
  const inspections = [evidence, ...beside.map((device) => device.evidence)].map(inspectEvidence);
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
