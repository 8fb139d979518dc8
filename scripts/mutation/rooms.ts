/** What is mutated, and the quick tests that must notice. */
export interface Room {
  /** Globs of sources. */
  readonly mutate: readonly string[];
  /** Globs of tests, the quickest first: the first that fails ends a mutant. */
  readonly tests: readonly string[];
}

/** Replays vectors of two families; it comes last, because it takes longest. */
const REPLAY = "test/offchain/verifier/conformance.test.ts";

const evidence = (name: string, more: readonly string[] = []): Room => ({
  mutate: [`offchain/evidence/${name}/*.ts`],
  tests: [`test/offchain/evidence/${name.replace("sev-snp", "s*snp")}*.test.ts`, ...more],
});

export const ROOMS: Readonly<Record<string, Room>> = {
  cose: { mutate: ["offchain/cose/*.ts"], tests: ["test/offchain/cose/*.test.ts"] },
  x509: {
    mutate: ["offchain/x509/*.ts"],
    tests: ["test/offchain/x509/*.test.ts"],
  },
  nitro: evidence("nitro", ["test/offchain/verifier/nitro.test.ts"]),
  "sev-snp": evidence("sev-snp", [REPLAY]),
  dcap: evidence("dcap", ["test/offchain/verifier/{endorsements-json,appraise,remembered}.test.ts", REPLAY]),
  nvidia: evidence("nvidia"),
  "arm-cca": evidence("arm-cca", ["test/offchain/verifier/arm-cca.test.ts"]),
  rules: {
    mutate: ["offchain/verifier/rules/*.ts"],
    tests: ["test/offchain/verifier/{rules,appraise,policy}.test.ts"],
  },
  verifier: {
    mutate: [
      "offchain/verifier/*.ts",
      "offchain/verifier/families/*.ts",
      "offchain/evidence/*.ts",
      // Judged by tests of the command line, which start processes that no change reaches, and by the replay of all vectors.
      "!offchain/verifier/{explain,inspect,conformance,conformance-kinds}.ts",
    ],
    tests: [
      "test/offchain/verifier/{rules,policy,policy-diff,endorsements-json,manifest,messages,ear,node-evidence,node-devices}.test.ts",
      "test/offchain/verifier/{arm-cca,appraise}.test.ts",
      "test/offchain/evidence/{arm-cca-key,nvidia-edges,nvidia-token,nvidia-rim}.test.ts",
      REPLAY,
    ],
  },
};

/** Names that stand for several rooms. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  evidence: ["nitro", "sev-snp", "dcap", "nvidia", "arm-cca"],
  all: Object.keys(ROOMS),
};
