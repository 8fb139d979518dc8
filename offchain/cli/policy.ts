import type { Command } from "commander";
import { diffPolicies, type PolicyChange } from "../verifier/policy-diff.ts";
import { parsePolicyDocument, type Policy } from "../verifier/policy-layers.ts";
import { weaknessesOf } from "../verifier/policy-lint.ts";
import { policyId } from "../verifier/ear.ts";
import { parseSettings, readFileBytes } from "./files.ts";
import type { Report, Session } from "./session.ts";
import { verb } from "./verb.ts";

/** Adds `policy check` and `policy diff`. */
export function addPolicy(program: Command, session: Session): void {
  const policy = program.command("policy").description("appraisal policies");
  verb(policy, "check", {
    description: "read a policy and warn of its weak choices, with reasons",
    example: "cloister policy check policy.json",
  })
    .argument("<file>", "appraisal policy, JSON")
    .action((file: string) => session.conclude(check(file)));
  verb(policy, "diff", {
    description: "say what a second policy accepts more or less than a first one",
    example: "cloister policy diff old.json new.json",
  })
    .argument("<before>", "appraisal policy, JSON")
    .argument("<after>", "appraisal policy, JSON")
    .action((before: string, after: string) => session.conclude(diff(before, after)));
}

function readPolicy(file: string): Policy {
  return parsePolicyDocument(parseSettings(readFileBytes(file), file));
}

/** A weak choice may be meant: it is a warning and no failure. */
function check(file: string): Report {
  const policy = readPolicy(file);
  const warnings = weaknessesOf(policy);
  return {
    exit: 0,
    json: { id: policyId(policy), warnings, policy },
    lines: [
      `${file} is a policy, ${warnings.length === 0 ? "without" : "with"} weak choices`,
      ...warnings.map(({ id, path, reason }) => `WARN  ${id}  ${path}: ${reason}`),
    ],
  };
}

function diff(before: string, after: string): Report {
  const changes = diffPolicies(readPolicy(before), readPolicy(after));
  const orders = new Set(changes.map(({ change }) => change));
  const [only] = orders;
  const change = only === undefined ? "same" : orders.size === 1 ? only : "different";
  return {
    exit: 0,
    json: { change, changes },
    lines: [`${after} is ${change === "same" ? "the same policy" : change}`, ...changes.map(changeLine)],
  };
}

function changeLine({ path, change, before, after }: PolicyChange): string {
  return `${change}  ${path}: ${JSON.stringify(before) ?? "not given"} is now ${JSON.stringify(after) ?? "not given"}`;
}
