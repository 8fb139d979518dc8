import { expect } from "chai";
import * as fc from "fast-check";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readTrust } from "../../../offchain/cli/trust.ts";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import { plansFor } from "../../../offchain/endorsements/plans.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { parseManifest, runVector, summarise } from "../../../offchain/verifier/conformance.ts";
import { decodeEvidence, detect } from "../../../offchain/verifier/detect.ts";
import { inspectEvidence } from "../../../offchain/verifier/inspect.ts";
import { reasonsOf, validityOf } from "../../../offchain/verifier/explain.ts";
import { DEFAULT_POLICY, parsePolicy, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { trustRootOfPlatformKey, VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { trustworthinessOf } from "../../../offchain/verifier/trustworthiness.ts";
import { verifyEvidence, type VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { ccaToken, CHALLENGE, PLATFORM_KEY, PLATFORM_ROOT, pemOf } from "../../support/arm-cca.ts";
import { damaged, damages } from "../../support/damage.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys, NOW } from "../../support/pki.ts";
import { needVectors, readVector, readVectors } from "../../support/vectors.ts";

const WHOLE = ccaToken();
const OTHER_KEY = pemOf(createKeys("P-384"));
const ENDORSEMENTS = { cca: { platformKey: PLATFORM_KEY } };
const SIMULATED: AppraisalPolicy = { ...DEFAULT_POLICY, allowSimulated: true };

const judge = (bytes: Uint8Array, more: Partial<VerifyOptions> = {}): Promise<AttestationResult> =>
  verifyEvidence(bytes, {
    endorsements: ENDORSEMENTS,
    trustRoots: [PLATFORM_ROOT],
    now: NOW,
    policy: SIMULATED,
    ...more,
  });
const inState = (lifecycle: number): Uint8Array => ccaToken({ platform: { claims: { 2395: lifecycle } } });
const failed = ({ failures }: AttestationResult): readonly string[] => failures.map(({ id, code }) => `${id} ${code}`);

describe("Arm CCA evidence", () => {
  const folder = temporaryDirectory();

  it("is affirmed under its platform's key, every check made that is asked for", async () => {
    const result = await judge(WHOLE, { expectedReportData: CHALLENGE });
    expect(result).to.deep.include({ verdict: "affirming", platform: "arm-cca", simulated: true, failures: [] });
    const passed = result.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id);
    expect(passed.slice(0, 6)).to.deep.equal([
      "evidence-format",
      "cca-headers",
      "platform-key",
      "platform-signature",
      "realm-signature",
      "realm-binding",
    ]);
    expect(passed).to.include.members(["measured", "debug", "lifecycle", "report-data"]);
  });

  it("is found in raw, hex and base64 form", () => {
    const raw = Buffer.from(WHOLE);
    for (const form of [raw, Buffer.from(raw.toString("hex")), Buffer.from(raw.toString("base64"))]) {
      const found = detect(decodeEvidence(new Uint8Array(form)));
      expect(found).to.include({ family: "cca", platform: "arm-cca" });
      expect(Buffer.from(found.bytes).equals(raw)).to.equal(true);
      expect(found.reportData).to.deep.equal(CHALLENGE);
    }
  });

  it("is shown by its claims' names", () => {
    const { summary, fields } = inspectEvidence(WHOLE);
    expect(summary).to.equal(`CCA token of a platform that is secured, 2 components, ${WHOLE.length} bytes`);
    expect(fields).to.have.nested.property("platform.lifecycle", 0x3000);
    expect(fields).to.have.nested.property("platform.softwareComponents[0].type", "RMM");
    expect(fields).to.have.nested.property("realm.challenge", "09".repeat(64));
    expect(fields).to.have.nested.property("realm.extensibleMeasurements.length", 4);
  });

  it("says nothing without the platform's key, which no service has", async () => {
    const result = await judge(WHOLE, { endorsements: {} });
    expect(result).to.include({ verdict: "none", claims: null });
    expect(failed(result)).to.deep.equal(["platform-key NOT_CHECKED", "platform-signature NOT_CHECKED"]);
    const [lacking, given] = [{}, ENDORSEMENTS].map((with_) => plansFor(VENDOR_SERVICES, WHOLE, with_));
    expect(lacking?.map((plan) => [plan.lacking, plan.requests])).to.deep.equal([
      [["the public key of the platform (CPAK)"], []],
    ]);
    expect(given?.map((plan) => [plan.lacking, plan.assemble(new Map())])).to.deep.equal([[[], ENDORSEMENTS]]);
  });

  it("is not trusted under a key that no root names, a root of another family, or the vendors' roots", async () => {
    const trustRoots = [{ ...PLATFORM_ROOT, family: "nitro" }, ...VENDOR_ROOTS];
    const result = await judge(WHOLE, { trustRoots });
    expect(result).to.include({ verdict: "contraindicated", claims: null });
    expect(failed(result)).to.deep.equal(["platform-key CHAIN_UNTRUSTED", "platform-signature NOT_CHECKED"]);
    const [reason] = reasonsOf(result, validityOf(ENDORSEMENTS, NOW));
    expect(reason?.endorsements).to.deep.equal(["platformKey"]);
  });

  it("is not simulated under a key that is trusted as genuine, and needs no consent then", async () => {
    const trustRoots = [trustRootOfPlatformKey(PLATFORM_KEY, "our board", false)];
    const result = await judge(WHOLE, { trustRoots, policy: DEFAULT_POLICY });
    expect(result).to.include({ verdict: "affirming", simulated: false });
    expect(failed(await judge(WHOLE, { policy: DEFAULT_POLICY }))).to.deep.equal(["trust-root POLICY"]);
  });

  it("is refused in debug states unless the policy allows them, and in every state but secured", async () => {
    for (const lifecycle of [0x4000, 0x50ff]) {
      const refused = await judge(inState(lifecycle));
      expect([refused.verdict, failed(refused)]).to.deep.equal(["contraindicated", ["debug POLICY"]]);
      const allowed = await judge(inState(lifecycle), { policy: { ...SIMULATED, allowDebug: true } });
      expect(allowed.verdict).to.equal("warning");
    }
    for (const lifecycle of [0, 0x1000, 0x2000, 0x3100, 0x6000, 0xffff]) {
      const refused = await judge(inState(lifecycle), { policy: { ...SIMULATED, allowDebug: true } });
      expect([refused.verdict, failed(refused)]).to.deep.equal(["contraindicated", ["lifecycle POLICY"]]);
      expect(trustworthinessOf(refused).configuration).to.equal(96);
    }
  });

  it("is refused where nothing was measured", async () => {
    const zeros = ccaToken({ realm: { claims: { 44238: new Uint8Array(32) } } });
    expect(failed(await judge(zeros))).to.deep.equal(["measured POLICY"]);
  });

  it("is held against reference values and expected claims", async () => {
    const { claims } = await judge(WHOLE);
    const { rim = "", rem0 = "", rpv = "", swComponent0 = "" } = claims?.measurements ?? {};
    const policies: readonly [object, AttestationResult["verdict"]][] = [
      [{ workloadIds: [claims?.workloadId] }, "affirming"],
      [{ workloadIds: ["00".repeat(32)] }, "contraindicated"],
      [{ measurements: [{ rim, rem0, rpv }] }, "affirming"],
      [{ measurements: [{ rim: rem0 }] }, "contraindicated"],
      [{ claims: { "arm-cca": { swComponent0, lifecycle: 0x3000, hashAlg: "sha-256" } } }, "affirming"],
      [{ claims: { "arm-cca": { swComponent2: swComponent0 } } }, "contraindicated"],
      [{ claims: { "arm-cca": { implementationId: "01".repeat(32) } } }, "affirming"],
      [{ platforms: ["arm-cca"], roots: [PLATFORM_ROOT.spkiSha256] }, "affirming"],
      [{ deny: { platformIds: [claims?.platformId] } }, "contraindicated"],
    ];
    for (const [policy, verdict] of policies) {
      const result = await judge(WHOLE, { policy: parsePolicy({ allowSimulated: true, ...policy }) });
      expect(result.verdict, JSON.stringify(policy)).to.equal(verdict);
    }
  });

  it("is refused with another challenge", async () => {
    const result = await judge(WHOLE, { expectedReportData: new Uint8Array(64) });
    expect(failed(result)).to.deep.equal(["report-data BINDING_MISMATCH"]);
  });

  it("affirms nothing of a realm that its platform does not vouch for", async () => {
    const result = await judge(ccaToken({ platform: { claims: { 10: new Uint8Array(64) } } }));
    expect(failed(result)).to.deep.equal(["realm-binding BINDING_MISMATCH"]);
    expect(trustworthinessOf(result)).to.include({ hardware: 99, executables: 99, "instance-identity": 99 });
  });

  it("finds the key that signed among files, or else any key, and says where none is", async () => {
    await writeFile(join(folder, "notes.txt"), "no key");
    await expectRefusal("CONFIG_INVALID", () => loadEndorsements(folder, { evidence: WHOLE, now: NOW }));
    await writeFile(join(folder, "a-other.pem"), OTHER_KEY);
    const other = await loadEndorsements(folder, { evidence: WHOLE, now: NOW });
    expect(other).to.deep.equal({ cca: { platformKey: OTHER_KEY } });
    await writeFile(join(folder, "b-right.pem"), PLATFORM_KEY);
    expect(await loadEndorsements(folder, { evidence: WHOLE, now: NOW })).to.deep.equal(ENDORSEMENTS);
  });

  it("is trusted on the command line by naming the key, as a simulated platform", async () => {
    const path = join(folder, "b-right.pem");
    await writeFile(path, PLATFORM_KEY);
    const { trustRoots, policy } = readTrust({ trustRoot: [path] });
    expect(trustRoots.at(-1)).to.deep.equal({ ...PLATFORM_ROOT, name: path });
    expect((await judge(WHOLE, { trustRoots, policy })).verdict).to.equal("affirming");
  });

  describe("changed", () => {
    it("is refused at every length but the whole", async () => {
      for (let length = 0; length < WHOLE.length; length += 1) {
        expect((await judge(WHOLE.subarray(0, length))).verdict, `length ${length}`).to.equal("contraindicated");
      }
    });

    it("is refused with any byte changed", async () => {
      for (let offset = 0; offset < WHOLE.length; offset += 1) {
        const changed = WHOLE.slice();
        changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
        expect((await judge(changed)).verdict, `offset ${offset}`).to.equal("contraindicated");
      }
    }).timeout(60_000);
  });

  it("is refused with a code however it is damaged", () =>
    fc.assert(
      fc.asyncProperty(damages, async (changes) => {
        const bytes = damaged(WHOLE, changes);
        const { verdict } = await judge(bytes);
        expect(verdict).to.equal(Buffer.from(bytes).equals(WHOLE) ? "affirming" : "contraindicated");
      }),
      { seed: 20_260_115, numRuns: 2000 },
    )).timeout(60_000);

  describe("of the conformance vectors", () => {
    before(function () {
      needVectors(this);
    });

    it("agrees in verdict and fields", async () => {
      const vectors = parseManifest(readVectors("manifest.json"), NOW).filter(({ platform }) => platform === "arm-cca");
      const outcomes = [];
      for (const vector of vectors) outcomes.push(await runVector(vector, readVector));
      const { agreed, disagreements, unsupported } = summarise(outcomes);
      expect(disagreements).to.deep.equal([]);
      expect({ agreed, unsupported }).to.deep.equal({ agreed: vectors.length, unsupported: 0 });
      expect(agreed).to.be.at.least(24);
    });

    it("is refused where a vector's key cannot be read", async () => {
      const vectors = parseManifest(readVectors("manifest.json"), NOW);
      const accepted = vectors.filter(({ platform, expect: wanted }) => platform === "arm-cca" && wanted === "accept");
      expect(accepted).to.not.be.empty;
      for (const vector of accepted) {
        const read = (path: string): Promise<Uint8Array> =>
          path === vector.files["platformKey"] ? Promise.resolve(utf8("no key")) : readVector(path);
        const { status, reason } = await runVector(vector, read);
        expect([status, reason]).to.satisfy(
          ([got, why]: string[]) => got === "disagreed" && why?.includes("platform-key ENDORSEMENT_INVALID"),
        );
      }
    });
  });
});
