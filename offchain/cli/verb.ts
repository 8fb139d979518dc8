import type { Command } from "commander";

/** What every verb's help says. */
export interface VerbHelp {
  readonly description: string;
  /** One command line that works. */
  readonly example: string;
}

/** How help says what names a node. */
export const NODE_ARGUMENT = "number of `nodes list`, id, or its unique beginning";

/** Adds a verb with what all verbs share: `--json` and an example in the help. */
export function verb(parent: Command, name: string, { description, example }: VerbHelp): Command {
  return parent
    .command(name)
    .description(description)
    .option("--json", "one JSON document on standard output and nothing else")
    .addHelpText("after", `\nExample:\n  $ ${example}\n`);
}

/** Adds a verb that talks to a network. */
export function networkVerb(parent: Command, name: string, help: VerbHelp): Command {
  return verb(parent, name, help).option(
    "--profile <file>",
    "the network's profile; else CLOISTER_PROFILE, else the devnet's near at hand",
  );
}
