import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import { parseManifest, runVector, summarise, type Vector } from "../../../offchain/verifier/conformance.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { INTEL_ROOT, VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { needVectors, readVector, VECTORS } from "../../support/vectors.ts";

/** Mutation tests replay one vector of so many. */
const STRIDE = Number(process.env["CLOISTER_VECTOR_STRIDE"] ?? 1);
const ANY_TIME = Date.UTC(2026, 0, 1);
const DCAP = new Set(["intel-sgx", "intel-tdx"]);

describe("conformance vectors", () => {
  let vectors: readonly Vector[] = [];

  before(async function () {
    needVectors(this);
    const all = parseManifest(JSON.parse(await readFile(join(VECTORS, "manifest.json"), "utf8")), ANY_TIME);
    vectors = all.filter((_, index) => index % STRIDE === 0);
  });

  const realOf = (platform: string): Vector[] =>
    vectors.filter(
      ({ platform: name, kind, expect: expected, id }) =>
        name === platform && kind === "quote+collateral" && expected === "accept" && /-ev\d+-[\d-]+$/.test(id),
    );

  it("agrees with every DCAP vector, in verdict and fields", async () => {
    const outcomes = [];
    for (const vector of vectors.filter(({ platform }) => DCAP.has(platform))) {
      outcomes.push(await runVector(vector, readVector));
    }
    const { disagreements, agreed, unsupported } = summarise(outcomes);
    expect(disagreements).to.deep.equal([]);
    expect(agreed).to.be.greaterThan(300 / STRIDE);
    expect(unsupported).to.equal(0);
  });

  it("chooses what fits a quote out of a whole folder of Intel's collateral", async () => {
    const chosen = [...realOf("intel-sgx"), ...realOf("intel-tdx")];
    expect(chosen).to.not.be.empty;
    for (const { id, files, now } of chosen) {
      const evidence = await readVector(files["quote"] ?? "");
      const endorsements = await loadEndorsements(join(VECTORS, "dcap", "collateral"), { evidence, now });
      const result = await verifyEvidence(evidence, {
        endorsements,
        trustRoots: [INTEL_ROOT],
        now,
        policy: DEFAULT_POLICY,
      });
      expect(result.claims?.tcb?.status, id).to.be.a("string");
    }
  });

  it("agrees with every AMD SEV-SNP vector, in verdict and fields", async () => {
    const outcomes = [];
    for (const vector of vectors.filter(({ platform }) => platform === "amd-sev-snp")) {
      outcomes.push(await runVector(vector, readVector));
    }
    const { disagreements, agreed, unsupported } = summarise(outcomes);
    expect(disagreements).to.deep.equal([]);
    expect(agreed).to.be.greaterThan(100 / STRIDE);
    expect(unsupported).to.equal(0);
  });

  it("chooses what signed an AMD report out of a whole folder of certificates", async () => {
    const chosen = vectors.filter(
      ({ platform, expect: expected }) => platform === "amd-sev-snp" && expected === "accept",
    );
    expect(chosen).to.not.be.empty;
    for (const { id, files, now } of chosen) {
      const evidence = await readVector(files["report"] ?? "");
      const endorsements = await loadEndorsements(join(VECTORS, "snp", "certs"), { evidence, now });
      const options = { endorsements, trustRoots: VENDOR_ROOTS, now, policy: DEFAULT_POLICY };
      const { verdict, simulated } = await verifyEvidence(evidence, options);
      expect({ verdict, simulated }, id).to.deep.equal({ verdict: "warning", simulated: false });
    }
  });

  it("answers none where one endorsement after another is missing, and a warning where the policy is quote-only", async () => {
    const [vector] = realOf("intel-tdx");
    const { quote = "", ...parts } = vector?.files ?? {};
    const evidence = await readVector(quote);
    const given = await Promise.all(
      Object.entries(parts).map(async ([role, path]) => [role, await readVector(path)] as const),
    );
    for (const missing of given.map(([role]) => role).filter((role) => role !== "pckCrlIssuerChain")) {
      const dcap: DcapEndorsements = Object.fromEntries(given.filter(([role]) => role !== missing));
      const options = { endorsements: { dcap }, trustRoots: [INTEL_ROOT], now: vector?.now ?? 0 };
      const required = await verifyEvidence(evidence, { ...options, policy: DEFAULT_POLICY });
      expect(required.verdict, missing).to.equal("none");
      expect(required.failures.map(({ code }) => code)).to.include("NOT_CHECKED");
      const quoteOnly = await verifyEvidence(evidence, {
        ...options,
        policy: { ...DEFAULT_POLICY, endorsements: "quote-only" },
      });
      expect(quoteOnly.verdict, missing).to.equal("warning");
    }
  });
});
