import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulatedNvidiaDevice } from "../../../offchain/device/simulated/nvidia/report.ts";
import { issueRim } from "../../../offchain/device/simulated/nvidia/rim.ts";
import { nvidiaDeviceTrustRoot, nvidiaRimTrustRoot } from "../../../offchain/device/simulated/nvidia/vendor.ts";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import type { NvidiaEndorsements } from "../../../offchain/evidence/nvidia/endorsements.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { GOOD, ocspResponse, revoked, UNKNOWN, type AnswerParts } from "../../support/ocsp.ts";
import {
  block,
  createDevice,
  deviceReport,
  GPU_RECORDS,
  record,
  SWITCH_RECORDS,
  type ReportParts,
  type TestDevice,
} from "../../support/nvidia-device.ts";
import { der, NOW, seq, type Bytes, type Keys } from "../../support/pki.ts";
import { createRimSigner, digestText, resource, signedRim, type RimParts } from "../../support/rim.ts";
import { SIMULATED_NOW } from "../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../support/simulated-nvidia.ts";

const HOUR = 3_600_000;
const gpu = createDevice();
const nvswitch = createDevice({ leafName: "LS_10 A01 FSP FMC LF", leafExtensions: [] });
const signer = createRimSigner();
const chains = new ChainVerifier();

const driver = (parts: RimParts = {}): Buffer =>
  signedRim(signer, { resources: [resource(1, [digestText(2)])], ...parts });
const vbios = (parts: RimParts = {}): Buffer =>
  signedRim(signer, { version: "96.00.A5.00.01", resources: [resource(2, [digestText(3)])], ...parts });

/** Answers for every certificate below the root, from `first` on. */
function answers(
  { keys, certificates }: { readonly keys: readonly Keys[]; readonly certificates: readonly Bytes[] },
  first = 0,
  change: (place: number) => Partial<AnswerParts> = () => ({}),
): readonly Bytes[] {
  const parsed = new ChainVerifier().parseDer(certificates);
  return parsed.slice(first, -1).map((certificate, index) => {
    const place = first + index;
    const parts = { certificate, issuer: parsed[place + 1]!, signer: keys[place + 1]! };
    return ocspResponse({ ...parts, ...change(place) });
  });
}

const ALL = [...answers(gpu, 1), ...answers(signer)];

/** What replaces the endorsements that are all there; undefined takes one away. */
type Given = { readonly [Name in keyof NvidiaEndorsements]?: NvidiaEndorsements[Name] | undefined };

interface Scene {
  readonly device?: TestDevice;
  readonly parts?: ReportParts;
  readonly endorsements?: Given;
}

async function judged({ device = gpu, parts, endorsements }: Scene): Promise<AttestationResult> {
  const all = { certChain: device.certChain, driverRim: driver(), vbiosRim: vbios(), ocspResponses: ALL };
  const given = { ...all, ...endorsements };
  return verifyEvidence(deviceReport(device, parts), {
    endorsements: { nvidia: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) },
    trustRoots: [device.root, signer.root],
    now: NOW,
    policy: { ...DEFAULT_POLICY, allowSimulated: true },
    chains,
  });
}

const codes = ({ failures }: AttestationResult): readonly string[] => failures.map(({ id, code }) => `${id} ${code}`);

describe("a device's reference measurements", () => {
  it("make a report affirming where all are as published and nothing is revoked", async () => {
    const result = await judged({});
    expect([result.verdict, result.failures]).to.deep.equal(["affirming", []]);
    expect(result.claims?.details).to.include({ asPublished: true, debugCertified: true, driverRim: "tag" });
    expect(result.claims?.validUntil).to.equal(NOW + HOUR);
    expect(result.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id)).to.include.members([
      "device-revocation",
      "driver-rim",
      "vbios-rim",
      "rim-revocation",
      "reference-measurements",
    ]);
  });

  it("of a switch are those of its one manifest", async () => {
    const endorsements = {
      driverRim: undefined,
      vbiosRim: vbios({ version: "96.10.55.00.01", product: "LS10" }),
      ocspResponses: [...answers(nvswitch, 1), ...answers(signer)],
    };
    const parts = { records: SWITCH_RECORDS };
    expect((await judged({ device: nvswitch, parts, endorsements })).verdict).to.equal("affirming");
    const given = { ...endorsements, driverRim: driver() };
    expect(codes(await judged({ device: nvswitch, parts, endorsements: given }))).to.deep.equal([
      "driver-rim ENDORSEMENT_INVALID",
    ]);
  });

  it("may be any of those published, and what is not active is not compared", async () => {
    const driverRim = driver({
      resources: [resource(1, [digestText(7), digestText(2)]), resource(0, [digestText(9)], { active: "False" })],
    });
    expect((await judged({ endorsements: { driverRim } })).verdict).to.equal("affirming");
  });

  it("of the video decoder count unless it is disabled", async () => {
    const blocks = [block(1, Buffer.alloc(48)), block(2), block(3), block(36, Buffer.alloc(48, 1))];
    const driverRim = driver({ resources: [resource(1, [digestText(2)]), resource(35, [digestText(36)])] });
    const at = (status: readonly number[]) =>
      judged({
        parts: { blocks, records: [...GPU_RECORDS, record(11, Buffer.from(status))] },
        endorsements: { driverRim },
      });
    expect((await at([0x55])).verdict).to.equal("affirming");
    for (const status of [[0xaa], [0x55, 0x55], [0], []]) {
      expect(codes(await at(status))).to.include("reference-measurements/36 BINDING_MISMATCH");
    }
  });

  it("are told one by one where they differ", async () => {
    const driverRim = driver({
      resources: [resource(0, [digestText(9)]), resource(1, [digestText(8)]), resource(70, [digestText(7)])],
    });
    const result = await judged({ endorsements: { driverRim } });
    expect(result.verdict).to.equal("contraindicated");
    expect(codes(result)).to.deep.equal([
      "reference-measurements BINDING_MISMATCH",
      "reference-measurements/1 BINDING_MISMATCH",
      "reference-measurements/2 BINDING_MISMATCH",
      "reference-measurements/71 BINDING_MISMATCH",
    ]);
    expect(result.failures.at(-1)?.detail).to.include("the report does not have");
  });

  const notMade: readonly (readonly [string, AttestationResult["verdict"], readonly string[], Given])[] = [
    ["any manifest", "warning", ["reference-measurements NOT_CHECKED"], { driverRim: undefined, vbiosRim: undefined }],
    ["the driver's manifest", "warning", ["reference-measurements NOT_CHECKED"], { driverRim: undefined }],
    ["the VBIOS's manifest", "warning", ["reference-measurements NOT_CHECKED"], { vbiosRim: undefined }],
    [
      "any answer",
      "warning",
      ["device-revocation NOT_CHECKED", "rim-revocation NOT_CHECKED"],
      { ocspResponses: undefined },
    ],
    ["an answer for the device", "warning", ["device-revocation NOT_CHECKED"], { ocspResponses: answers(signer) }],
    ["an answer for one certificate", "warning", ["device-revocation NOT_CHECKED"], { ocspResponses: ALL.slice(1) }],
    ["an answer for the manifests", "warning", ["rim-revocation NOT_CHECKED"], { ocspResponses: answers(gpu, 1) }],
    [
      "a manifest that is known whole",
      "none",
      ["reference-measurements NOT_CHECKED"],
      {
        driverRim: driver({
          resources: [resource(1, [digestText(2)]), resource(2, [digestText(3)], { type: "MinSvn" })],
        }),
      },
    ],
  ];
  for (const [what, verdict, expected, endorsements] of notMade) {
    it(`are not all looked at without ${what}`, async () => {
      const result = await judged({ endorsements });
      expect([result.verdict, codes(result)]).to.deep.equal([verdict, expected]);
    });
  }

  const expired = createRimSigner((place) => (place === 0 ? { notAfter: NOW - 1 } : {}));
  const badRims: readonly (readonly [string, readonly string[], Given])[] = [
    ["of another driver", ["driver-rim ENDORSEMENT_INVALID"], { driverRim: driver({ version: "590.13" }) }],
    ["of another chip", ["driver-rim ENDORSEMENT_INVALID"], { driverRim: driver({ product: "GB100" }) }],
    ["of another VBIOS", ["vbios-rim ENDORSEMENT_INVALID"], { vbiosRim: vbios({ version: "96.00.A5.00.02" }) }],
    ["of the driver for the VBIOS", ["vbios-rim ENDORSEMENT_INVALID"], { vbiosRim: driver() }],
    [
      "that is edited",
      ["driver-rim ENDORSEMENT_INVALID"],
      { driverRim: driver({ document: (text) => text.replace(digestText(2), digestText(9)) }) },
    ],
    ["of another root", ["driver-rim ENDORSEMENT_INVALID"], { driverRim: signedRim(createRimSigner()) }],
    [
      "under the root of devices",
      ["driver-rim ENDORSEMENT_INVALID"],
      {
        driverRim: signedRim({ ...signer, certificates: [] }, { certificates: gpu.certificates, signer: gpu.leafKeys }),
      },
    ],
    ["by a signer that is expired", ["driver-rim ENDORSEMENT_INVALID"], { driverRim: signedRim(expired) }],
    ["that is no XML", ["vbios-rim ENDORSEMENT_INVALID"], { vbiosRim: Buffer.from("{}") }],
  ];
  for (const [what, expected, endorsements] of badRims) {
    it(`are not compared with a manifest ${what}, and that is not the device's fault`, async () => {
      const result = await judged({ endorsements });
      expect(result.verdict).to.equal("none");
      expect(codes(result)).to.deep.equal([...expected, "reference-measurements NOT_CHECKED"]);
    });
  }

  it("are not compared where the manifests contradict each other or name none", async () => {
    const both = { driverRim: driver({ resources: [resource(2, [digestText(3)])] }) };
    const none = { driverRim: driver({ resources: [resource(1, [digestText(2)], { active: "False" })] }) };
    for (const endorsements of [both, none]) {
      const result = await judged({ endorsements });
      expect([result.verdict, codes(result)]).to.deep.equal(["none", ["reference-measurements ENDORSEMENT_INVALID"]]);
    }
  });

  it("are not compared of a report that is not signed", async () => {
    const report = deviceReport(gpu);
    report[report.length - 1] = (report.at(-1) ?? 0) ^ 1;
    const nvidia = { certChain: gpu.certChain, driverRim: driver(), vbiosRim: vbios() };
    const result = await verifyEvidence(report, {
      endorsements: { nvidia },
      trustRoots: [gpu.root, signer.root],
      now: NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
    });
    expect(codes(result)).to.include.members([
      "report-signature SIGNATURE_INVALID",
      "reference-measurements NOT_CHECKED",
    ]);
  });
});

describe("a device's endorsements among files", () => {
  it("are those of what the report says it runs, and come with its own chain or are given one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cloister-manifests-"));
    try {
      const files = [driver({ version: "590.13" }), driver(), vbios(), ...ALL, Buffer.from("notes"), gpu.certChain];
      await Promise.all(files.map((bytes, index) => writeFile(join(folder, `file-${index}`), bytes)));
      const evidence = deviceReport(gpu);
      const found = await loadEndorsements(folder, { evidence, now: NOW });
      expect(found.nvidia?.ocspResponses?.length).to.equal(ALL.length);
      expect((await judged({ endorsements: { ...found.nvidia } })).verdict).to.equal("affirming");
      const given = { nvidia: { certChain: nvswitch.certChain } };
      const other = await loadEndorsements(folder, { evidence, given, now: NOW });
      expect(other.nvidia?.certChain).to.equal(nvswitch.certChain);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("the revocation of a device's certificates", () => {
  const changed = (at: number, change: Partial<AnswerParts>): Given => ({
    ocspResponses: [...answers(gpu, 0, (place) => (place === at ? change : {})), ...answers(signer)],
  });
  const ofSigner = (at: number, change: Partial<AnswerParts>): Given => ({
    ocspResponses: [...answers(gpu, 1), ...answers(signer, 0, (place) => (place === at ? change : {}))],
  });
  const bad: readonly (readonly [string, AttestationResult["verdict"], string, Given])[] = [
    ["a revoked leaf", "contraindicated", "device-revocation CERTIFICATE_REVOKED", changed(0, { status: revoked() })],
    [
      "a revoked boot ROM",
      "contraindicated",
      "device-revocation CERTIFICATE_REVOKED",
      changed(1, { status: revoked(NOW, 1) }),
    ],
    [
      "a revoked provisioner",
      "contraindicated",
      "device-revocation CERTIFICATE_REVOKED",
      changed(2, { status: revoked() }),
    ],
    [
      "a revoked chip family",
      "contraindicated",
      "device-revocation CERTIFICATE_REVOKED",
      changed(3, { status: revoked() }),
    ],
    [
      "a certificate that is not known",
      "contraindicated",
      "device-revocation CHAIN_UNTRUSTED",
      changed(1, { status: UNKNOWN }),
    ],
    ["an answer that is old", "none", "device-revocation ENDORSEMENT_EXPIRED", changed(1, { nextUpdate: NOW - 1000 })],
    ["an answer by nobody", "none", "device-revocation ENDORSEMENT_INVALID", changed(1, { signer: signer.keys[0]! })],
    ["a revoked signer of manifests", "none", "rim-revocation ENDORSEMENT_INVALID", ofSigner(0, { status: revoked() })],
    [
      "a revoked authority of manifests",
      "none",
      "rim-revocation ENDORSEMENT_INVALID",
      ofSigner(1, { status: revoked() }),
    ],
    [
      "a signer of manifests that is not known",
      "none",
      "rim-revocation ENDORSEMENT_INVALID",
      ofSigner(0, { status: UNKNOWN }),
    ],
    ["an answer that is none", "none", "device-revocation ENDORSEMENT_INVALID", { ocspResponses: [GOOD] }],
    [
      "a service that has no answer",
      "none",
      "device-revocation NOT_CHECKED",
      { ocspResponses: [seq(der(0x0a, Buffer.of(3)))] },
    ],
  ];
  for (const [what, verdict, expected, endorsements] of bad) {
    it(`is not good with ${what}`, async () => {
      const result = await judged({ endorsements });
      expect(result.verdict).to.equal(verdict);
      expect(codes(result)).to.include(expected);
    });
  }

  it("is looked at also where it was good before", async () => {
    expect((await judged({})).verdict).to.equal("affirming");
    const later = await verifyEvidence(deviceReport(gpu), {
      endorsements: {
        nvidia: { certChain: gpu.certChain, driverRim: driver(), vbiosRim: vbios(), ocspResponses: ALL },
      },
      trustRoots: [gpu.root, signer.root],
      now: NOW + 2 * HOUR,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
      chains,
    });
    expect(codes(later)).to.deep.equal(["device-revocation ENDORSEMENT_EXPIRED", "rim-revocation ENDORSEMENT_EXPIRED"]);
  });
});

describe("the simulated vendor's devices", () => {
  const vendor = testNvidiaVendor();
  const roots = [nvidiaDeviceTrustRoot(vendor), nvidiaRimTrustRoot(vendor)];

  async function compared(kind: "gpu" | "switch", defects: Parameters<typeof simulatedNvidiaDevice>[1] = {}) {
    const device = testNvidiaDevice(vendor, { kind });
    const { evidence, certChain } = await simulatedNvidiaDevice(device, defects).report(new Uint8Array(32));
    const { driverVersion, vbiosVersion } = device;
    const driverRim =
      driverVersion === null
        ? {}
        : { driverRim: issueRim(vendor, { kind, component: "driver", version: driverVersion }) };
    const vbiosRim = issueRim(vendor, { kind, component: "vbios", version: vbiosVersion });
    const policy = { ...DEFAULT_POLICY, allowSimulated: true };
    const nvidia = { certChain, vbiosRim, ...driverRim };
    return verifyEvidence(evidence, { endorsements: { nvidia }, trustRoots: roots, now: SIMULATED_NOW, policy });
  }

  for (const kind of ["gpu", "switch"] as const) {
    it(`${kind}: are as the vendor publishes`, async () => {
      const result = await compared(kind);
      expect(result.claims?.details).to.include({ asPublished: true });
      expect(codes(result)).to.deep.equal(["device-revocation NOT_CHECKED", "rim-revocation NOT_CHECKED"]);
    });

    it(`${kind}: are refused with another measurement`, async () => {
      expect(codes(await compared(kind, { foreignMeasurement: 3 }))).to.include(
        "reference-measurements BINDING_MISMATCH",
      );
    });
  }
});
