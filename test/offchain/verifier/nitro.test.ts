import { expect } from "chai";
import * as fc from "fast-check";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import { concat } from "../../../offchain/encoding/bytes.ts";
import { parseManifest, runVector, summarise, type Vector } from "../../../offchain/verifier/conformance.ts";
import { decodeEvidence, detect } from "../../../offchain/verifier/detect.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { AWS_NITRO_ROOT, VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { verifyEvidence, type VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { damaged, damages } from "../../support/damage.ts";
import { nitroChain, nitroDocument, testPcrs, USER_DATA } from "../../support/nitro.ts";
import { NOW } from "../../support/pki.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { needVectors, readVector, VECTORS } from "../../support/vectors.ts";

const CHAIN = nitroChain();
const WHOLE = nitroDocument(CHAIN);
const CHAINS = new ChainVerifier();
const SIMULATED: AppraisalPolicy = { ...DEFAULT_POLICY, allowSimulated: true };

const judge = (bytes: Uint8Array, more: Partial<VerifyOptions> = {}): Promise<AttestationResult> =>
  verifyEvidence(bytes, { endorsements: {}, trustRoots: [CHAIN.trustRoot], now: NOW, policy: SIMULATED, ...more });
const untagged = (bytes: Uint8Array): Buffer => Buffer.from(bytes[0] === 0xd2 ? bytes.subarray(1) : bytes);
const failed = ({ failures }: AttestationResult): readonly string[] => failures.map(({ id, code }) => `${id} ${code}`);

describe("AWS Nitro evidence", () => {
  const empty = temporaryDirectory();

  it("is affirmed without endorsements, every check made that is asked for", async () => {
    const result = await judge(WHOLE, { expectedReportData: USER_DATA, expectedNonce: Buffer.from("nonce") });
    expect(result).to.deep.include({ verdict: "affirming", platform: "aws-nitro", simulated: true, failures: [] });
    const passed = result.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id);
    expect(passed.slice(0, 7)).to.deep.equal([
      "evidence-format",
      "cose-headers",
      "document-chain",
      "document-signer",
      "document-signature",
      "document-time",
      "document-nonce",
    ]);
    expect(passed).to.include.members(["measured", "debug", "report-data"]);
  });

  it("is found in raw, hex and base64 form, tagged and untagged", () => {
    for (const raw of [WHOLE, concat(Uint8Array.of(0xd2), WHOLE)]) {
      const buffer = Buffer.from(raw);
      const forms = [buffer, Buffer.from(buffer.toString("hex")), Buffer.from(buffer.toString("base64"))];
      for (const form of forms) {
        const found = detect(decodeEvidence(new Uint8Array(form)));
        expect(found).to.include({ family: "nitro", platform: "aws-nitro" });
        expect(Buffer.from(found.bytes).equals(buffer)).to.equal(true);
        expect(found.reportData).to.deep.equal(Buffer.from(USER_DATA));
      }
    }
  });

  it("needs nothing from a bundle of endorsements", async () => {
    expect(await loadEndorsements(empty, { evidence: WHOLE, now: NOW })).to.deep.equal({});
  });

  it("is refused in debug mode, and only warned of where the policy allows it", async () => {
    const debug = nitroDocument(CHAIN, { fields: { pcrs: new Map([...testPcrs(), [0, new Uint8Array(48)]]) } });
    const refused = await judge(debug);
    expect(refused.verdict).to.equal("contraindicated");
    expect(failed(refused)).to.deep.equal(["debug POLICY"]);
    expect((await judge(debug, { policy: { ...SIMULATED, allowDebug: true } })).verdict).to.equal("warning");
  });

  it("is held against reference values", async () => {
    const { claims } = await judge(WHOLE);
    const { workloadId = "", measurements = {} } = claims ?? {};
    const { pcr0 = "", pcr1 = "" } = measurements;
    const policies: readonly [Partial<AppraisalPolicy>, AttestationResult["verdict"]][] = [
      [{ workloadIds: [workloadId] }, "affirming"],
      [{ workloadIds: ["00".repeat(32)] }, "contraindicated"],
      [{ measurements: [{ pcr0, pcr1 }] }, "affirming"],
      [{ measurements: [{ pcr0: pcr1 }] }, "contraindicated"],
      [{ platforms: ["intel-tdx"] }, "contraindicated"],
      [{ allowSimulated: false }, "contraindicated"],
    ];
    for (const [policy, verdict] of policies) {
      expect((await judge(WHOLE, { policy: { ...SIMULATED, ...policy } })).verdict).to.equal(verdict);
    }
  });

  it("is refused with other report data, and where it carries none of 64 bytes", async () => {
    const shorter = nitroDocument(CHAIN, { fields: { user_data: USER_DATA.subarray(1) } });
    const others: readonly [Uint8Array, Uint8Array][] = [
      [WHOLE, new Uint8Array(64)],
      [shorter, USER_DATA],
      [shorter, USER_DATA.subarray(1)],
      [nitroDocument(CHAIN, { fields: { user_data: null } }), USER_DATA],
    ];
    for (const [document, expectedReportData] of others) {
      expect(failed(await judge(document, { expectedReportData }))).to.deep.equal(["report-data BINDING_MISMATCH"]);
    }
  });

  it("is not trusted under a root of another family or by the vendors' roots", async () => {
    const trustRoots = [{ ...CHAIN.trustRoot, family: "dcap" }, ...VENDOR_ROOTS];
    const result = await judge(WHOLE, { trustRoots });
    expect(result).to.include({ verdict: "contraindicated", claims: null });
    expect(failed(result)[0]).to.equal("document-chain CHAIN_UNTRUSTED");
  });

  describe("changed", () => {
    it("is refused at every length but the whole", async () => {
      expect((await judge(WHOLE, { chains: CHAINS })).verdict).to.equal("affirming");
      for (let length = 0; length < WHOLE.length; length += 1) {
        const { verdict } = await judge(WHOLE.subarray(0, length), { chains: CHAINS });
        expect(verdict, `length ${length}`).to.equal("contraindicated");
      }
    });

    it("is refused with any byte changed", async () => {
      for (let offset = 0; offset < WHOLE.length; offset += 1) {
        const changed = WHOLE.slice();
        changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
        expect((await judge(changed, { chains: CHAINS })).verdict, `offset ${offset}`).to.equal("contraindicated");
      }
    }).timeout(20_000);
  });

  it("is refused with a code however it is damaged", () =>
    fc.assert(
      fc.asyncProperty(damages, async (changes) => {
        const bytes = damaged(WHOLE, changes);
        const { verdict } = await judge(bytes, { chains: CHAINS });
        expect(verdict).to.equal(untagged(bytes).equals(WHOLE) ? "affirming" : "contraindicated");
      }),
      { seed: 20_260_115, numRuns: 3000 },
    )).timeout(20_000);

  describe("of the conformance vectors", () => {
    let vectors: readonly Vector[] = [];

    before(async function () {
      needVectors(this);
      const manifest: unknown = JSON.parse(await readFile(join(VECTORS, "manifest.json"), "utf8"));
      vectors = parseManifest(manifest, NOW).filter(({ platform }) => platform === "aws-nitro");
    });

    it("agrees in verdict and fields", async () => {
      const outcomes = [];
      for (const vector of vectors) outcomes.push(await runVector(vector, readVector));
      const { agreed, disagreements, unsupported } = summarise(outcomes);
      expect(disagreements).to.deep.equal([]);
      expect({ agreed, unsupported }).to.deep.equal({ agreed: vectors.length, unsupported: 0 });
      expect(agreed).to.be.at.least(56);
    });

    it("is of real hardware under the pinned root, tagged or not, with the whole public key", async () => {
      const genuine = vectors.filter(
        (vector) => vector.expect === "accept" || vector.expectIfDebugAllowed === "accept",
      );
      expect(genuine).to.not.be.empty;
      for (const { id, files, now } of genuine) {
        const document = await readVector(files["document"] ?? "");
        const policy = { ...DEFAULT_POLICY, allowDebug: true };
        for (const evidence of [document, concat(Uint8Array.of(0xd2), document)]) {
          const result = await judge(evidence, { now, policy, trustRoots: [AWS_NITRO_ROOT] });
          expect(result, id).to.include({ simulated: false, verdict: result.claims?.debug ? "warning" : "affirming" });
          expect(result.claims?.platformId, id).to.match(/^[0-9a-f]{64}$/);
        }
      }
      const { files, now } = genuine.find(({ id }) => id === "aws-nitro-2024-08-16-06376741") ?? genuine[0]!;
      const whole = await judge(await readVector(files["document"] ?? ""), {
        now,
        policy: { ...DEFAULT_POLICY, allowDebug: true },
        trustRoots: [AWS_NITRO_ROOT],
      });
      expect(whole.claims?.details["publicKey"])
        .to.be.a("string")
        .with.lengthOf(2 * 139);
    });
  });
});
