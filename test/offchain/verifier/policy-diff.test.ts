import { expect } from "chai";
import * as fc from "fast-check";
import { diffPolicies, type Change } from "../../../offchain/verifier/policy-diff.ts";
import { parsePolicyDocument } from "../../../offchain/verifier/policy-layers.ts";
import { weaknessesOf } from "../../../offchain/verifier/policy-lint.ts";
import { codeOf } from "../../support/errors.ts";
import { documents } from "../../support/policy-documents.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const D48 = "cd".repeat(48);

describe("diffPolicies", () => {
  const changes = (before: unknown, after: unknown): readonly (readonly [string, Change])[] =>
    diffPolicies(parsePolicyDocument(before), parsePolicyDocument(after)).map(({ path, change }) => [path, change]);

  /** Going from the first to the second is stricter, and the way back looser. */
  const stricter: readonly (readonly [string, unknown, unknown])[] = [
    ["endorsements", { endorsements: "quote-only" }, {}],
    ["revocation", {}, { revocation: "required" }],
    ["gpu.referenceMeasurements", { gpu: { referenceMeasurements: "warn" } }, {}],
    ["gpu.required", {}, { gpu: { required: true } }],
    ["platforms", {}, { platforms: ["intel-tdx"] }],
    ["platforms", { platforms: ["intel-tdx", "aws-nitro"] }, { platforms: ["aws-nitro"] }],
    ["roots", {}, { roots: ["Intel SGX Root CA"] }],
    ["tcbStatuses", {}, { tcbStatuses: ["UpToDate"] }],
    ["tcbStatuses", { tcbStatuses: ["UpToDate"] }, { tcbStatuses: [] }],
    ["minimumEvaluationNumber", { minimumEvaluationNumber: 16 }, { minimumEvaluationNumber: 17 }],
    ["minimumSevSnpTcb.snp", {}, { minimumSevSnpTcb: { snp: 0 } }],
    ["minimumSevSnpTcb.fmc", { minimumSevSnpTcb: { fmc: 1 } }, { minimumSevSnpTcb: { fmc: 2 } }],
    ["acceptedAdvisories", {}, { acceptedAdvisories: [] }],
    ["acceptedAdvisories", { acceptedAdvisories: ["a", "b"] }, { acceptedAdvisories: ["b"] }],
    ["maximumEvidenceAge", {}, { maximumEvidenceAge: 60 }],
    ["maximumEndorsementAge", { maximumEndorsementAge: 61 }, { maximumEndorsementAge: 60 }],
    ["allowDebug", { allowDebug: true }, {}],
    ["allowSimulated", { allowSimulated: true }, {}],
    ["allowServiceTd", {}, { allowServiceTd: false }],
    ["measurements", {}, { workloadIds: [A] }],
    ["measurements", { workloadIds: [A], measurements: [{ mrtd: D48 }] }, { measurements: [{ mrtd: D48 }] }],
    [
      "measurements",
      { measurements: [{ driverVersion: "1" }, { driverVersion: "2" }] },
      { measurements: [{ driverVersion: "1" }] },
    ],
    ["claims.intel-sgx.isvsvn", {}, { claims: { "intel-sgx": { isvsvn: { minimum: 0 } } } }],
    [
      "claims.intel-sgx.isvsvn",
      { claims: { "intel-sgx": { isvsvn: { minimum: 1 } } } },
      { claims: { "intel-sgx": { isvsvn: { minimum: 2 } } } },
    ],
    [
      "claims.intel-sgx.mrenclave",
      { claims: { "intel-sgx": { mrenclave: [A, B] } } },
      { claims: { "intel-sgx": { mrenclave: A } } },
    ],
    ["deny.platforms", {}, { deny: { platforms: ["aws-nitro"] } }],
    ["deny.platformIds", { deny: { platformIds: [A] } }, { deny: { platformIds: [A, B] } }],
    ["deny.workloadIds", {}, { deny: { workloadIds: [A] } }],
    ["deny.advisories", {}, { deny: { advisories: ["INTEL-SA-1"] } }],
  ];
  for (const [path, before, after] of stricter) {
    it(`calls ${JSON.stringify(after).slice(0, 60)} stricter than ${JSON.stringify(before).slice(0, 60)}`, () => {
      expect(changes(before, after)).to.deep.equal([[`policy.${path}`, "stricter"]]);
      expect(changes(after, before)).to.deep.equal([[`policy.${path}`, "looser"]]);
    });
  }

  const different: readonly (readonly [string, unknown, unknown])[] = [
    ["platforms", { platforms: ["intel-tdx"] }, { platforms: ["intel-sgx"] }],
    [
      "measurements",
      { measurements: [{ mrtd: D48 }, { driverVersion: "1" }] },
      { measurements: [{ driverVersion: "1" }], workloadIds: [A] },
    ],
    ["measurements", { workloadIds: [A] }, { measurements: [{ driverVersion: "1" }] }],
    [
      "claims.intel-sgx.isvsvn",
      { claims: { "intel-sgx": { isvsvn: { minimum: 1 } } } },
      { claims: { "intel-sgx": { isvsvn: 2 } } },
    ],
    [
      "claims.intel-tdx.xfam",
      { claims: { "intel-tdx": { xfam: { mask: "03".repeat(8), value: "03".repeat(8) } } } },
      { claims: { "intel-tdx": { xfam: { mask: "01".repeat(8), value: "01".repeat(8) } } } },
    ],
  ];
  for (const [path, before, after] of different) {
    it(`calls ${JSON.stringify(after).slice(0, 60)} different from ${JSON.stringify(before).slice(0, 60)}`, () => {
      expect(changes(before, after)).to.deep.equal([[`policy.${path}`, "different"]]);
    });
  }

  it("compares layer by layer, and calls a further layer stricter", () => {
    const vendor = { layers: { vendor: {} } };
    expect(changes(vendor, { layers: { vendor: { allowDebug: true }, community: {} } })).to.deep.equal([
      ["policy.layers.vendor.allowDebug", "looser"],
      ["policy.layers.community", "stricter"],
    ]);
    expect(changes({ layers: { vendor: {}, protocol: {} } }, vendor)).to.deep.equal([
      ["policy.layers.protocol", "looser"],
    ]);
  });

  it("finds no change between a policy and itself, and turns around with its arguments", () => {
    const turned: Readonly<Record<Change, Change>> = { stricter: "looser", looser: "stricter", different: "different" };
    const policies = documents.filter((document) => codeOf(() => parsePolicyDocument(document)) === "none");
    fc.assert(
      fc.property(policies, policies, (before, after) => {
        expect(changes(before, before)).to.deep.equal([]);
        const back = changes(after, before).map(([path, change]) => `${path} ${turned[change]}`);
        expect(back.sort()).to.deep.equal(
          changes(before, after)
            .map((change) => change.join(" "))
            .sort(),
        );
      }),
    );
  });
});

describe("weaknessesOf", () => {
  /** A policy in which nothing is weak. */
  const STRONG = {
    revocation: "required",
    tcbStatuses: ["UpToDate", "SWHardeningNeeded"],
    maximumEvidenceAge: 3600,
    minimumSevSnpTcb: { snp: 24 },
    allowServiceTd: false,
    workloadIds: [A],
  };
  const found = (document: unknown): readonly string[] =>
    weaknessesOf(parsePolicyDocument(document)).map(({ id, path }) => `${id} ${path}`);
  const signer = { mrsigner: A };

  it("finds nothing in a strong policy", () => expect(found(STRONG)).to.deep.equal([]));

  const weak: readonly (readonly [string, object])[] = [
    ["debug policy.allowDebug", { allowDebug: true }],
    ["simulated policy.allowSimulated", { allowSimulated: true }],
    ["any-workload policy.measurements", { workloadIds: [] }],
    ["signer-only policy.measurements[1]", { measurements: [{ mrenclave: A }, signer] }],
    ["signer-only policy.measurements[0]", { measurements: [{ ...signer, isvprodid: 1 }] }],
    ["boot-only policy.measurements[0]", { measurements: [{ mrtd: D48, rtmr1: D48 }] }],
    [
      "masked-digest policy.measurements[0]",
      { measurements: [{ mrenclave: { mask: `f7${"ff".repeat(31)}`, value: "00".repeat(32) } }] },
    ],
    ["quote-only policy.endorsements", { endorsements: "quote-only" }],
    ["revocation policy.revocation", { revocation: "warn" }],
    ["reference-measurements policy.gpu.referenceMeasurements", { gpu: { referenceMeasurements: "warn" } }],
    ["out-of-date policy.tcbStatuses", { tcbStatuses: ["OutOfDateConfigurationNeeded"] }],
    ["service-td policy.allowServiceTd", { allowServiceTd: true }],
    ["evidence-age policy.maximumEvidenceAge", { maximumEvidenceAge: null }],
    ["evidence-age policy.maximumEvidenceAge", { maximumEvidenceAge: 604_801 }],
    ["snp-floor policy.minimumSevSnpTcb", { minimumSevSnpTcb: {} }],
    [
      "debug-never policy.claims.intel-tdx.tdAttributes",
      { claims: { "intel-tdx": { tdAttributes: { mask: "ff00000000000000", value: "0100000000000000" } } } },
    ],
    [
      "debug-never policy.claims.intel-sgx.attributes",
      { claims: { "intel-sgx": { attributes: `02${"00".repeat(15)}` } } },
    ],
  ];
  for (const [name, members] of weak) {
    it(`finds ${name}`, () => expect(found({ ...STRONG, ...members })).to.deep.equal([name]));
  }

  const strong: readonly (readonly [string, object])[] = [
    ["a signer with product and version", { measurements: [{ ...signer, isvprodid: 1, isvsvn: { minimum: 2 } }] }],
    ["a signer beside the enclave", { measurements: [{ ...signer, mrenclave: A }] }],
    ["a whole boot chain", { measurements: [{ mrtd: D48, rtmr1: D48, rtmr2: D48 }] }],
    ["a mask over everything", { measurements: [{ mrenclave: { mask: "ff".repeat(32), value: A } }] }],
    ["no SEV-SNP at all", { minimumSevSnpTcb: {}, platforms: ["intel-tdx"] }],
    ["a service TD that is named", { allowServiceTd: true, claims: { "intel-tdx": { mrservicetd: D48 } } }],
    ["attributes without the debug bit", { claims: { "intel-sgx": { attributes: `05${"00".repeat(15)}` } } }],
  ];
  for (const [what, members] of strong) {
    it(`finds nothing in ${what}`, () => expect(found({ ...STRONG, ...members })).to.deep.equal([]));
  }

  it("names the layer", () => {
    expect(found({ layers: { vendor: STRONG, protocol: { ...STRONG, allowDebug: true } } })).to.deep.equal([
      "debug policy.layers.protocol.allowDebug",
    ]);
  });
});
