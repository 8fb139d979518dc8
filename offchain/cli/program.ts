import { Command } from "commander";
import { addChannel } from "./channel.ts";
import { addCheck } from "./check.ts";
import { addDevnet, addRelayer } from "./children.ts";
import { addEndorsements } from "./endorsements.ts";
import { addEvidence } from "./evidence.ts";
import { addInfer } from "./infer.ts";
import { addMeasure } from "./measure.ts";
import { addModel } from "./model.ts";
import { addNode } from "./node.ts";
import { addNodes } from "./nodes.ts";
import { addPolicy } from "./policy.ts";
import { failureOf } from "./failure.ts";
import { createSession, tellFailure, type Environment, type Session, type Speaker } from "./session.ts";

const NEXT_STEPS: readonly (readonly [string, string])[] = [
  ["cloister devnet", "start a whole network on this machine, with simulated hardware"],
  ["cloister nodes list", "the nodes of a network, what they run on and what they offer"],
  ["cloister channel open --node 1 --amount 5", "put money into a channel with a node"],
  ["cloister infer --node 1 --digit 7", "ask it, sealed, and check the answer"],
  ["cloister check evidence.json", "check an answer again, offline"],
  ["cloister evidence verify quote.bin --endorsements DIR", "verify hardware evidence by itself"],
  ["cloister --help", "every verb; each has --help with an example, and --json"],
];

const VERBS: readonly ((program: Command, session: Session) => void)[] = [
  addDevnet,
  addNodes,
  addNode,
  addRelayer,
  addModel,
  addChannel,
  addInfer,
  addCheck,
  addEvidence,
  addEndorsements,
  addPolicy,
  addMeasure,
];

/** Runs one command line to its end and gives the exit code; nothing is thrown. */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
  speaker: Omit<Speaker, "json">,
): Promise<number> {
  const voice = { ...speaker, json: args.includes("--json") };
  const session = createSession(environment, voice);
  if (args.every((arg) => arg === "--json")) {
    session.conclude(nextSteps());
    return session.exit();
  }
  const program = createProgram(session, voice);
  try {
    await program.parseAsync([...args], { from: "user" });
    return session.exit();
  } catch (error) {
    if (isHelp(error)) return 0;
    const failure = failureOf(error, pathOf(program, args));
    tellFailure(failure, voice);
    return failure.exit;
  }
}

function createProgram(session: Session, { out, err }: Speaker): Command {
  const program = new Command("cloister")
    .description("Private AI inference that anyone can check.")
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err, outputError: () => undefined });
  for (const add of VERBS) add(program, session);
  return program;
}

function nextSteps(): Parameters<Session["conclude"]>[0] {
  const width = Math.max(...NEXT_STEPS.map(([command]) => command.length));
  return {
    exit: 0,
    json: { next: NEXT_STEPS.map(([command, does]) => ({ command, does })) },
    lines: ["What can be done next:", ...NEXT_STEPS.map(([command, does]) => `  ${command.padEnd(width)}  ${does}`)],
  };
}

/** Help that was asked for is printed by then and no failure. */
function isHelp(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "commander.helpDisplayed";
}

/** The verb that the arguments got to, such as `cloister nodes list`. */
function pathOf(program: Command, args: readonly string[]): string {
  const names = [program.name()];
  let command: Command | undefined = program;
  for (const arg of args) {
    command = command.commands.find((child) => child.name() === arg);
    if (command === undefined) break;
    names.push(arg);
  }
  return names.join(" ");
}
