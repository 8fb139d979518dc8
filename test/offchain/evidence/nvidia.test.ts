import { expect } from "chai";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { parseDeviceReport } from "../../../offchain/evidence/nvidia/report.ts";
import { parseManifest, runVector, summarise } from "../../../offchain/verifier/conformance.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { platformCode } from "../../../offchain/verifier/verdict.ts";
import { verifyEvidence, type VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  block,
  compositeDeviceId,
  createDevice,
  deviceReport,
  GPU_RECORDS,
  record,
  request,
  SWITCH_RECORDS,
  tcbInfo,
  TEST_FWID,
  TEST_NONCE,
  unsignedReport,
  type ReportParts,
  type TestDevice,
} from "../../support/nvidia-device.ts";
import { ECDSA_SHA256, LEAF_USAGE, NOW, pem, type CertificateParts } from "../../support/pki.ts";
import { describeVectors, readVector, VECTORS } from "../../support/vectors.ts";

const device = createDevice();
const chains = new ChainVerifier();
const SIGNATURE = Buffer.alloc(96, 1);

const options = (of: TestDevice = device, changes: Partial<VerifyOptions> = {}): VerifyOptions => ({
  endorsements: { nvidia: { certChain: of.certChain } },
  trustRoots: [of.root],
  now: NOW,
  policy: { ...DEFAULT_POLICY, allowSimulated: true },
  expectedNonce: TEST_NONCE,
  chains,
  ...changes,
});

const verdictOf = async (report: Uint8Array, given: VerifyOptions = options()): Promise<AttestationResult["verdict"]> =>
  (await verifyEvidence(report, given)).verdict;

const policy = (changes: Partial<AppraisalPolicy>): Partial<VerifyOptions> => ({
  policy: { ...DEFAULT_POLICY, allowSimulated: true, ...changes },
});

describe("parseDeviceReport", () => {
  const parse = (parts: ReportParts): unknown => parseDeviceReport(Buffer.concat([unsignedReport(parts), SIGNATURE]));
  const refusals: readonly [string, ErrorCode, ReportParts][] = [
    ["SPDM 1.2", "EVIDENCE_UNSUPPORTED", { request: request(TEST_NONCE, Buffer.of(0x12, 0xe0, 1, 0xff)) }],
    ["another request", "EVIDENCE_MALFORMED", { request: request(TEST_NONCE, Buffer.of(0x11, 0xe1, 1, 0xff)) }],
    [
      "a request for no signature",
      "EVIDENCE_UNSUPPORTED",
      { request: request(TEST_NONCE, Buffer.of(0x11, 0xe0, 0, 0xff)) },
    ],
    [
      "a request for one measurement",
      "EVIDENCE_UNSUPPORTED",
      { request: request(TEST_NONCE, Buffer.of(0x11, 0xe0, 1, 1)) },
    ],
    ["a slot that cannot be", "EVIDENCE_MALFORMED", { request: request(TEST_NONCE, undefined, 8) }],
    ["another response", "EVIDENCE_MALFORMED", { responseHeader: Buffer.of(0x11, 0x61, 0, 0) }],
    ["a response of another version", "EVIDENCE_UNSUPPORTED", { responseHeader: Buffer.of(0x10, 0x60, 0, 0) }],
    ["a count instead of measurements", "EVIDENCE_MALFORMED", { responseHeader: Buffer.of(0x11, 0x60, 3, 0) }],
    ["another slot's response", "EVIDENCE_MALFORMED", { responseHeader: Buffer.of(0x11, 0x60, 0, 1) }],
    ["fewer blocks than are there", "EVIDENCE_MALFORMED", { blockCount: 2 }],
    ["more blocks than are there", "EVIDENCE_MALFORMED", { blockCount: 4 }],
    ["a measurement twice", "EVIDENCE_MALFORMED", { blocks: [block(2), block(2)] }],
    ["measurement 0", "EVIDENCE_MALFORMED", { blocks: [block(0)] }],
    ["a measurement with two sizes", "EVIDENCE_MALFORMED", { blocks: [Buffer.of(1, 1, 5, 0, 1, 1, 0, 9)] }],
    ["another measurement format", "EVIDENCE_UNSUPPORTED", { blocks: [Buffer.of(1, 2, 4, 0, 1, 1, 0, 9)] }],
    ["a record twice", "EVIDENCE_MALFORMED", { records: [...GPU_RECORDS, record(3, Buffer.of(1))] }],
    ["half a record", "EVIDENCE_MALFORMED", { records: [...GPU_RECORDS, Buffer.of(1, 0)] }],
    ["a record beyond the opaque data", "EVIDENCE_MALFORMED", { records: [...GPU_RECORDS, Buffer.of(1, 0, 9, 0)] }],
    ["opaque data beyond the end", "EVIDENCE_MALFORMED", { opaqueLength: 600 }],
    ["too much opaque data", "EVIDENCE_MALFORMED", { records: [...GPU_RECORDS, record(9, Buffer.alloc(1024))] }],
    ["neither a GPU nor a switch", "EVIDENCE_UNSUPPORTED", { records: [record(6, Buffer.alloc(8))] }],
  ];
  for (const [what, code, parts] of refusals) it(`refuses ${what}`, () => expectRefusal(code, () => parse(parts)));

  it("refuses what follows the signature", () =>
    expectRefusal("EVIDENCE_MALFORMED", () =>
      parseDeviceReport(Buffer.concat([unsignedReport(), SIGNATURE, Buffer.of(0)])),
    ));
});

describe("device reports of NVIDIA", () => {
  it("are verified with what a GPU says of itself, which is no node", async () => {
    const { verdict, platform, claims, failures, checks } = await verifyEvidence(deviceReport(device), options());
    expect(failures.map(({ id, code }) => [id, code])).to.deep.equal([
      ["device-revocation", "NOT_CHECKED"],
      ["reference-measurements", "NOT_CHECKED"],
    ]);
    expect(verdict).to.equal("warning");
    expect(platform).to.equal("nvidia-gpu");
    expect(claims).to.include({ simulated: true, debug: false, reportData: TEST_NONCE.toString("hex") });
    expect(claims?.measurements).to.include({ measurement1: "00".repeat(48), measurement3: "03".repeat(48) });
    expect(claims?.details).to.include({
      arch: "HOPPER",
      driverVersion: "590.12",
      vbiosVersion: "96.00.A5.00.01",
      measurementBlocks: 3,
      leafSubject: "CN=GH100 A01 GSP FMC LF",
      leafSerial: "0x7b",
      opaque20: TEST_FWID.toString("hex"),
    });
    expect(platformCode("nvidia-gpu", false)).to.equal(undefined);
    const made = Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]));
    expect(made).to.include({ nonce: "pass", "firmware-id": "pass", node: "none" });
    expect(made).to.include({ debug: "none", measured: "pass" });
    expect(made).to.include({ "device-revocation": "none", "reference-measurements": "none" });
  });

  it("are of a switch where they say so", async () => {
    const of = createDevice({ leafName: "LS_10 A01 FSP FMC LF" });
    const result = await verifyEvidence(deviceReport(of, { records: SWITCH_RECORDS }), options(of));
    expect(result.verdict).to.equal("warning");
    expect(result.claims?.details).to.include({ arch: "LS10", vbiosVersion: "96.10.55.00.01" });
    expect(result.platform).to.equal("nvidia-switch");
  });

  it("may be of a Blackwell device with a TCB info, whose debug flag counts", async () => {
    const of = (flags?: Buffer): TestDevice =>
      createDevice({
        leafName: "GB100 A01 GSP FMC LF",
        leafExtensions: [tcbInfo([TEST_FWID, Buffer.alloc(48)], flags)],
      });
    const production = of();
    const { verdict, checks } = await verifyEvidence(deviceReport(production), options(production));
    expect(verdict).to.equal("warning");
    expect(checks.find(({ id }) => id === "debug")?.outcome).to.equal("pass");
    const debug = of(Buffer.of(4, 0x10));
    expect(await verdictOf(deviceReport(debug), options(debug))).to.equal("contraindicated");
    expect(await verdictOf(deviceReport(debug), options(debug, policy({ allowDebug: true })))).to.equal("warning");
  });

  it("need no nonce where none is expected, and the one that is", async () => {
    const { expectedNonce: _, ...without } = options();
    expect(await verdictOf(deviceReport(device), without)).to.equal("warning");
    const { verdict, failures } = await verifyEvidence(
      deviceReport(device),
      options(device, { expectedNonce: Buffer.alloc(32) }),
    );
    expect(verdict).to.equal("contraindicated");
    expect(failures.map(({ id, code }) => `${id} ${code}`)).to.deep.equal([
      "nonce BINDING_MISMATCH",
      "device-revocation NOT_CHECKED",
      "reference-measurements NOT_CHECKED",
    ]);
  });

  it("are not judged without the device's chain, whatever the policy", async () => {
    const changes = { endorsements: {} };
    expect(await verdictOf(deviceReport(device), options(device, changes))).to.equal("none");
    const lenient = options(device, { ...changes, ...policy({ endorsements: "quote-only" }) });
    expect(await verdictOf(deviceReport(device), lenient)).to.equal("none");
  });

  it("are refused where nothing was measured", async () => {
    const report = deviceReport(device, { blocks: [block(1, Buffer.alloc(48))] });
    const { failures } = await verifyEvidence(report, options());
    expect(failures.map(({ id }) => id)).to.deep.equal(["device-revocation", "reference-measurements", "measured"]);
  });

  it("are refused at every length but the whole", async () => {
    const whole = deviceReport(device);
    for (let length = 0; length < whole.length; length += 1) {
      expect(await verdictOf(whole.subarray(0, length)), `length ${length}`).to.equal("contraindicated");
    }
  });

  it("are refused with any byte changed", async () => {
    const whole = deviceReport(device);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const changed = Buffer.from(whole);
      changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
      expect(await verdictOf(changed), `offset ${offset}`).to.equal("contraindicated");
    }
  });
});

describe("device chains of NVIDIA", () => {
  const changed = (place: number, parts: Partial<CertificateParts>): TestDevice =>
    createDevice({ change: (at) => (at === place ? parts : {}) });
  const withChain = (of: TestDevice, places: readonly number[]): TestDevice => ({
    ...of,
    certChain: pem("CERTIFICATE", ...places.map((place) => of.certificates[place] ?? Buffer.alloc(0))),
  });
  const forged = (place: number): TestDevice => {
    const certificates = device.certificates.map((der) => Buffer.from(der));
    const signature = certificates[place] ?? Buffer.alloc(0);
    signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    return { ...device, certChain: pem("CERTIFICATE", ...certificates) };
  };
  const other = createDevice();
  const refusals: readonly [string, string, () => TestDevice][] = [
    ["without the root", "CHAIN_UNTRUSTED", () => withChain(device, [0, 1, 2, 3])],
    ["without an intermediate", "CHAIN_UNTRUSTED", () => withChain(device, [0, 1, 3, 4])],
    ["of the leaf alone", "CHAIN_UNTRUSTED", () => withChain(device, [0])],
    ["that begins with the leaf's issuer", "CHAIN_UNTRUSTED", () => withChain(device, [1, 2, 3, 4])],
    ["root first", "CHAIN_UNTRUSTED", () => withChain(device, [4, 3, 2, 1, 0])],
    ["longer than NVIDIA's", "CHAIN_UNTRUSTED", () => withChain(device, [0, 0, 1, 2, 3, 4])],
    ["under another root", "CHAIN_UNTRUSTED", () => ({ ...device, root: other.root })],
    ["of another device", "SIGNATURE_INVALID", () => ({ ...other, leafKeys: device.leafKeys })],
    ["with an intermediate that is no authority", "CHAIN_UNTRUSTED", () => changed(2, { isCa: false })],
    ["with an intermediate that may not sign", "CHAIN_UNTRUSTED", () => changed(1, { keyUsage: LEAF_USAGE })],
    ["with too short a path", "CHAIN_UNTRUSTED", () => changed(3, { pathLength: 1 })],
    ["with a leaf that is an authority", "CHAIN_UNTRUSTED", () => changed(0, { isCa: true })],
    ["with a leaf that may sign certificates only", "CHAIN_UNTRUSTED", () => changed(0, { keyUsage: [2, 4] })],
    ["with a forged signature", "SIGNATURE_INVALID", () => forged(1)],
    ["that names another issuer key", "CHAIN_UNTRUSTED", () => changed(0, { authorityKeyId: Buffer.alloc(20) })],
    ["with an empty issuer key", "CHAIN_UNTRUSTED", () => changed(0, { authorityKeyId: Buffer.alloc(0) })],
    ["with another algorithm", "CHAIN_UNTRUSTED", () => changed(0, { algorithm: ECDSA_SHA256 })],
    ["with an expired intermediate", "CERTIFICATE_EXPIRED", () => changed(2, { notAfter: NOW - 1000 })],
    ["with a leaf of the future", "CERTIFICATE_EXPIRED", () => changed(0, { notBefore: NOW + 1000 })],
    ["that is no PEM", "EVIDENCE_MALFORMED", () => ({ ...device, certChain: Buffer.from("none") })],
    ["of an unknown chip", "EVIDENCE_UNSUPPORTED", () => createDevice({ leafName: "XX100" })],
    ["of a switch", "BINDING_MISMATCH", () => createDevice({ leafName: "LS_10 A01" })],
    ["without firmware", "BINDING_MISMATCH", () => createDevice({ leafExtensions: [] })],
    [
      "for other firmware",
      "BINDING_MISMATCH",
      () => createDevice({ leafExtensions: [compositeDeviceId(Buffer.alloc(48, 2))] }),
    ],
    [
      "with firmware of unknown form",
      "EVIDENCE_UNSUPPORTED",
      () => createDevice({ leafExtensions: [compositeDeviceId(TEST_FWID, 2)] }),
    ],
    [
      "with a short digest",
      "EVIDENCE_MALFORMED",
      () => createDevice({ leafExtensions: [compositeDeviceId(Buffer.alloc(47))] }),
    ],
    ["without any FWID", "EVIDENCE_MALFORMED", () => createDevice({ leafExtensions: [tcbInfo([])] })],
  ];
  for (const [what, code, make] of refusals) {
    it(`are refused ${what}`, async () => {
      const of = make();
      const { verdict, failures } = await verifyEvidence(
        deviceReport(of),
        options(of, { chains: new ChainVerifier() }),
      );
      expect(verdict).to.equal("contraindicated");
      expect(failures[0]?.code).to.equal(code);
    });
  }

  it("are held against the time also where they are remembered", async () => {
    const of = changed(2, { notAfter: NOW + 1000 });
    const remembered = { chains: new ChainVerifier() };
    expect(await verdictOf(deviceReport(of), options(of, remembered))).to.equal("warning");
    expect(await verdictOf(deviceReport(of), options(of, { ...remembered, now: NOW + 2000 }))).to.equal(
      "contraindicated",
    );
  });

  it("are found among files by the report that their leaf signed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cloister-device-"));
    try {
      const files = [other.certChain, Buffer.from("notes"), device.certChain, createDevice().certChain];
      await Promise.all(files.map((bytes, index) => writeFile(join(folder, `file-${index}`), bytes)));
      const evidence = deviceReport(device);
      const endorsements = await loadEndorsements(folder, { evidence, now: NOW });
      expect(await verdictOf(evidence, options(device, { endorsements }))).to.equal("warning");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("do not certify absent firmware", async () => {
    const of = createDevice({ leafExtensions: [tcbInfo([TEST_FWID, Buffer.alloc(48)])] });
    const records = [...GPU_RECORDS.slice(0, 2), record(20, Buffer.alloc(48))];
    expect(await verdictOf(deviceReport(of, { records }), options(of))).to.equal("contraindicated");
  });
});

describeVectors("vectors of NVIDIA devices", ["manifest.json"], () => {
  it("agree in verdict and fields", async () => {
    const vectors = parseManifest(JSON.parse(readFileSync(join(VECTORS, "manifest.json"), "utf8")), NOW);
    const outcomes = [];
    for (const vector of vectors.filter(({ kind }) => kind === "spdm-evidence")) {
      outcomes.push(await runVector(vector, readVector));
    }
    const { disagreements, agreed, unsupported } = summarise(outcomes);
    expect(disagreements).to.deep.equal([]);
    expect(agreed).to.be.greaterThan(30);
    expect(unsupported).to.equal(0);
  });
});
