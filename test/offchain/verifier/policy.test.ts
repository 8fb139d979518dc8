import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { ConfigError } from "../../../offchain/errors.ts";
import { DEFAULT_POLICY, parsePolicy } from "../../../offchain/verifier/policy.ts";
import { combinePolicies, layersOf, parsePolicyDocument } from "../../../offchain/verifier/policy-layers.ts";
import { codeOf } from "../../support/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { brokenDocuments, documents } from "../../support/policy-documents.ts";

const D32 = "ab".repeat(32);
const D48 = "cd".repeat(48);

const ACCEPTED: readonly (readonly [string, unknown])[] = [
  ["nothing at all", {}],
  ["the default written out", DEFAULT_POLICY],
  [
    "every platform's claims",
    {
      claims: {
        "intel-sgx": {
          mrenclave: D32,
          isvprodid: [1, 2],
          isvsvn: { minimum: 3 },
          miscselect: { mask: "ffffffff", value: "00000000" },
        },
        "intel-tdx": { mrtd: [D48], tdAttributes: { mask: "0xff00000000000000", value: "0000000000000000" } },
        "amd-sev-snp": {
          measurement: D48,
          vmpl: 0,
          guestSvn: { minimum: 1 },
          guestPolicy: { mask: "0000000000080000", value: "0000000000000000" },
        },
        "aws-nitro": { pcr0: D48, pcr3: D32, pcr15: "00".repeat(64) },
        "nvidia-gpu": { measurement1: "00", driverVersion: ["590.12"], vbiosVersion: "96.00" },
        "nvidia-switch": { measurement64: D48, vbiosVersion: "96.10" },
      },
    },
  ],
  [
    "several sets of measurements",
    { measurements: [{ mrtd: D48, rtmr0: D48 }, { mrsigner: D32, isvprodid: 7 }, { pcr8: D48 }] },
  ],
  [
    "floors, ages and lists",
    {
      minimumSevSnpTcb: { bootloader: 4, tee: 0, snp: 24, microcode: 219, fmc: 1 },
      maximumEvidenceAge: 0,
      maximumEndorsementAge: 86_400,
      acceptedAdvisories: [],
      roots: ["Intel SGX Root CA", D32],
      deny: { platformIds: [`0x${D32}`], advisories: ["INTEL-SA-00615"] },
    },
  ],
  ["layers", { layers: { vendor: {}, community: { deny: { workloadIds: [D32] } } } }],
];

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ["what is no object", [], "policy "],
  ["a member that it does not know", { allowDebugging: true }, "policy.allowDebugging "],
  ["a flag that is no boolean", { allowDebug: "yes" }, "policy.allowDebug "],
  ["an unknown platform", { platforms: ["intel-sgx", "intel-mpx"] }, "policy.platforms[1] "],
  ["an unknown status", { tcbStatuses: ["Fine"] }, "policy.tcbStatuses[0] "],
  ["the status Revoked", { tcbStatuses: ["Revoked"] }, "policy.tcbStatuses[0] "],
  ["an unknown mode", { endorsements: "none" }, "policy.endorsements "],
  ["an unknown requirement", { revocation: "ignored" }, "policy.revocation "],
  ["a negative number", { minimumEvaluationNumber: -1 }, "policy.minimumEvaluationNumber "],
  ["a fraction", { maximumEvidenceAge: 0.5 }, "policy.maximumEvidenceAge "],
  ["an SVN of more than a byte", { minimumSevSnpTcb: { snp: 256 } }, "policy.minimumSevSnpTcb.snp "],
  ["an unknown part of a TCB", { minimumSevSnpTcb: { ucode: 1 } }, "policy.minimumSevSnpTcb.ucode "],
  ["an empty name of a root", { roots: [""] }, "policy.roots[0] "],
  ["a list in place of null", { acceptedAdvisories: [1] }, "policy.acceptedAdvisories[0] "],
  ["an empty set of measurements", { measurements: [{}] }, "policy.measurements[0] "],
  ["a measurement that is not hex", { measurements: [{ mrtd: "x".repeat(96) }] }, "policy.measurements[0].mrtd "],
  ["a measurement of another length", { measurements: [{ mrtd: D32 }] }, "policy.measurements[0].mrtd "],
  ["half a byte", { measurements: [{ measurement1: "abc" }] }, "policy.measurements[0].measurement1 "],
  ["no value at all", { measurements: [{ mrtd: [] }] }, "policy.measurements[0].mrtd "],
  ["a register that is none", { measurements: [{ pcr32: D48 }] }, "policy.measurements[0].pcr32 "],
  ["one set for two platforms", { measurements: [{ mrtd: D48, mrenclave: D32 }] }, "policy.measurements[0].mrenclave "],
  ["a claim under another platform", { claims: { "intel-sgx": { mrtd: D48 } } }, "policy.claims.intel-sgx.mrtd "],
  ["claims of a platform without evidence", { claims: { "arm-cca": {} } }, "policy.claims.arm-cca "],
  ["a claim that is no expectation", { claims: { "amd-sev-snp": { vmpl: "0" } } }, "policy.claims.amd-sev-snp.vmpl "],
  ["a level that there is not", { claims: { "amd-sev-snp": { vmpl: 4 } } }, "policy.claims.amd-sev-snp.vmpl "],
  ["a minimum of nothing", { claims: { "intel-sgx": { isvsvn: {} } } }, "policy.claims.intel-sgx.isvsvn.minimum "],
  [
    "a minimum of bytes",
    { claims: { "intel-sgx": { mrenclave: { minimum: 1 } } } },
    "policy.claims.intel-sgx.mrenclave.minimum ",
  ],
  [
    "a mask without its value",
    { claims: { "intel-tdx": { xfam: { mask: "ff".repeat(8) } } } },
    "policy.claims.intel-tdx.xfam.value ",
  ],
  [
    "a value without its mask",
    { claims: { "intel-tdx": { xfam: { value: "ff".repeat(8) } } } },
    "policy.claims.intel-tdx.xfam.mask ",
  ],
  [
    "a bit of the value outside the mask",
    {
      claims: { "intel-tdx": { tdAttributes: { mask: "fe00000000000000", value: "0100000000000000" } } },
    },
    "policy.claims.intel-tdx.tdAttributes.value ",
  ],
  [
    "a mask of another length than its value",
    {
      claims: { "aws-nitro": { pcr0: { mask: D48, value: "00".repeat(32) } } },
    },
    "policy.claims.aws-nitro.pcr0 ",
  ],
  ["an unknown demand on devices", { gpu: { count: 8 } }, "policy.gpu.count "],
  ["a device that is required by name", { gpu: { required: "nvidia-gpu" } }, "policy.gpu.required "],
  ["a denied id that is none", { deny: { platformIds: ["ab"] } }, "policy.deny.platformIds[0] "],
  ["a denied thing that there is not", { deny: { operators: [] } }, "policy.deny.operators "],
  ["no layer", { layers: {} }, "policy.layers "],
  ["an unknown layer", { layers: { user: {} } }, "policy.layers.user "],
  ["a member beside layers", { layers: { vendor: {} }, allowDebug: true }, "policy.allowDebug "],
  ["what is wrong in a layer", { layers: { protocol: { allowDebug: 1 } } }, "policy.layers.protocol.allowDebug "],
  ["layers in a layer", { layers: { vendor: { layers: { vendor: {} } } } }, "policy.layers.vendor.layers "],
  ["a member that every object has", JSON.parse('{"__proto__": {}}'), "policy.__proto__ "],
];

describe("parsePolicyDocument", () => {
  for (const [what, json] of ACCEPTED)
    it(`reads ${what}`, () => expect(codeOf(() => parsePolicyDocument(json))).to.equal("none"));

  for (const [what, json, path] of REFUSED) {
    it(`refuses ${what}, and says where it stands`, async () => {
      await expectRefusal("CONFIG_INVALID", () => parsePolicyDocument(json));
      expect(() => parsePolicyDocument(json)).to.throw(
        ConfigError,
        new RegExp(`^${path.replaceAll(/[.[\]]/g, "\\$&")}`),
      );
    });
  }

  it("fills in the default", () => {
    expect(parsePolicy({})).to.deep.equal(DEFAULT_POLICY);
    expect(parsePolicy({ deny: { platforms: ["aws-nitro"] } }).deny).to.deep.equal({
      platforms: ["aws-nitro"],
      platformIds: [],
      workloadIds: [],
      advisories: [],
    });
  });

  it("writes hex as claims have it", () => {
    const { measurements, workloadIds } = parsePolicy({
      measurements: [{ mrtd: `0x${D48.toUpperCase()}` }],
      workloadIds: [D32.toUpperCase()],
    });
    expect(measurements).to.deep.equal([{ mrtd: D48 }]);
    expect(workloadIds).to.deep.equal([D32]);
  });

  it("reads again what it has read", () => {
    fc.assert(
      fc.property(documents, (document) => {
        if (codeOf(() => parsePolicyDocument(document)) !== "none") return;
        const policy = parsePolicyDocument(document);
        expect(parsePolicyDocument(JSON.parse(JSON.stringify(policy)))).to.deep.equal(policy);
      }),
    );
  });
});

describe("combinePolicies", () => {
  it("refuses no layer and the same layer twice", async () => {
    const vendor = { layer: "vendor", policy: DEFAULT_POLICY } as const;
    await expectRefusal("CONFIG_INVALID", () => combinePolicies([]));
    await expectRefusal("CONFIG_INVALID", () => combinePolicies([vendor, vendor]));
  });

  it("gives the layers in one order, however they were named", () => {
    const names = ["community", "vendor", "protocol"] as const;
    const combined = combinePolicies(names.map((layer) => ({ layer, policy: DEFAULT_POLICY })));
    expect(layersOf(combined).map(({ layer }) => layer)).to.deep.equal(["vendor", "protocol", "community"]);
    expect(layersOf(DEFAULT_POLICY)).to.deep.equal([{ layer: undefined, policy: DEFAULT_POLICY }]);
  });
});

describe("docs/schemas/appraisal-policy.schema.json", () => {
  const schema = JSON.parse(readFileSync("docs/schemas/appraisal-policy.schema.json", "utf8")) as {
    $defs: { policy: { properties: Record<string, { default: unknown }> } };
  };
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

  /** All that a schema cannot say: a mask is as long as its value and covers it. */
  const masksHold = (value: unknown): boolean => {
    if (typeof value !== "object" || value === null) return true;
    const { mask, value: wanted } = value as { mask?: unknown; value?: unknown };
    if (typeof mask !== "string" || typeof wanted !== "string") return Object.values(value).every(masksHold);
    const [bits, asked] = [mask, wanted].map((text) => text.replace(/^0x/, ""));
    return bits?.length === asked?.length && (BigInt(`0x${asked}`) & ~BigInt(`0x${bits}`)) === 0n;
  };
  const agrees = (document: unknown): void => {
    const read = codeOf(() => parsePolicyDocument(document)) === "none";
    const valid = validate(document);
    expect([document, read]).to.deep.equal([document, valid && masksHold(document)]);
  };

  it("agrees with the parser on every document of the tables", () => {
    for (const [, document] of [...ACCEPTED, ...REFUSED]) agrees(document);
  });

  it("agrees with the parser on generated documents, and on broken ones", () => {
    fc.assert(fc.property(documents, agrees), { numRuns: 500 });
    fc.assert(fc.property(brokenDocuments, agrees), { numRuns: 1000 });
  });

  it("names every member with its default", () => {
    const defaults = Object.entries(schema.$defs.policy.properties).map(([name, member]) => [name, member.default]);
    expect(Object.fromEntries(defaults)).to.deep.equal(DEFAULT_POLICY);
  });
});
