/** The development network: `npm start`, or `node offchain/devnet/main.ts [--once] [--json] [--dir DIR]`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { playAttacks } from "./attacks.ts";
import { startNetwork, type Network } from "./network.ts";
import { writeProfiles } from "./profiles.ts";
import { createStory, explain, type Story } from "./report.ts";
import { ROOT } from "./services.ts";
import { playMainJob } from "./story.ts";
import { closeUsers } from "./user.ts";
import type { Sent } from "../chain/sender.ts";

const USAGE = `usage: npm start -- [--once] [--json] [--dir DIR]

Starts a development network (chain, contracts, endorsement service, relayers, workers), plays the whole
story once and stays up. Every TEE is SIMULATED.

  --once      stop after the story; exit 0 only if every step held
  --json      print one JSON document instead of the story
  --dir DIR   where state, logs and evidence files go (default .cloister/devnet)
`;

interface Arguments {
  readonly once: boolean;
  readonly json: boolean;
  readonly dir: string;
}

function readArguments(): Arguments | undefined {
  try {
    const options = {
      once: { type: "boolean" },
      json: { type: "boolean" },
      dir: { type: "string" },
      help: { type: "boolean" },
    } as const;
    const { values } = parseArgs({ options });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const dir = values.dir ?? join(ROOT, ".cloister", "devnet");
    return { once: values.once ?? false, json: values.json ?? false, dir };
  } catch (error) {
    process.stderr.write(`CONFIG_INVALID: ${explain(error)}\n\n${USAGE}`);
    return undefined;
  }
}

async function play(args: Arguments, story: Story, stopped: Promise<void>): Promise<void> {
  const deployed: { transactions: number; gas: bigint } = { transactions: 0, gas: 0n };
  const onStep = (_what: string, sent?: Sent): void => {
    if (sent === undefined) return;
    deployed.transactions += 1;
    deployed.gas += sent.gasUsed;
  };
  story.chapter("The network: chain, contracts, endorsement service, three relayers");
  const network = await story.step(
    "network-started",
    () => startNetwork({ dir: args.dir, onStep }),
    ({ chain, contracts }) => ({
      detail: `chain ${contracts.chain.chainId} at ${chain.url}; deployed in ${deployed.transactions} transactions`,
      gas: Number(deployed.gas),
    }),
  );
  try {
    const ended = await Promise.race([playStory(network, story).then(() => "played"), stopped.then(() => "stopped")]);
    if (ended === "stopped" || args.once) return;
    sayWhatNext(network, story, args.json);
    await stopped;
  } finally {
    await network.stop();
  }
}

async function playStory(network: Network, story: Story): Promise<void> {
  const played = await playMainJob(network, story);
  await playAttacks(network, played, story);
  await closeUsers(played.users);
  await writeProfiles(network);
}

function sayWhatNext(network: Network, story: Story, json: boolean): void {
  story.fact("urls", [network.chain.url, network.endorsements.url, ...network.relayers.map(({ url }) => url)]);
  if (json) process.stdout.write(`${JSON.stringify(story.report())}\n`);
  story.chapter("The network stays up; Ctrl-C ends it. In another terminal:");
  story.say("npx cloister nodes list");
  story.say("npx cloister channel open --node 1 --amount 1");
  story.say("npx cloister infer --node 1 --digit 7");
  story.say(`npx cloister check ${story.report().facts["evidenceFile"]?.toString() ?? "EVIDENCE-FILE"}`);
  story.say(`chain ${network.chain.url}, endorsements ${network.endorsements.url}, logs ${join(network.dir, "logs")}`);
}

async function main(args: Arguments): Promise<number> {
  const story = createStory(args.json ? undefined : (text) => process.stdout.write(`${text}\n`), process.stdout.isTTY);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  story.chapter(
    "Cloister development network. Every TEE below is SIMULATED: it protects nothing, it shows everything.",
  );
  const started = performance.now();
  let failure: unknown;
  try {
    await play(args, story, stopped);
  } catch (error) {
    failure = error;
    story.record({ id: "story", outcome: "FAIL", detail: explain(error) });
  }
  const { ok, lines } = story.report();
  const passed = lines.filter(({ outcome }) => outcome === "PASS").length;
  const seconds = Math.round((performance.now() - started) / 1000);
  story.chapter(
    `${passed} of ${lines.length} steps held, ${seconds} s. ${ok ? "Everything held." : "Something did not hold."}`,
  );
  if (args.json && (args.once || failure !== undefined)) process.stdout.write(`${JSON.stringify(story.report())}\n`);
  return ok ? 0 : 1;
}

const args = readArguments();
process.exitCode = args === undefined ? 2 : await main(args);
