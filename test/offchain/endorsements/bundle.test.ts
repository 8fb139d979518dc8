import { expect } from "chai";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import { dcapEndorsementsToJson } from "../../../offchain/evidence/dcap/endorsements-json.ts";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import { decodeEvidence } from "../../../offchain/verifier/detect.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { pem } from "../../support/pki.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

describe("loadEndorsements", () => {
  const vendor = testVendor();
  let folder: string;
  let evidence: Uint8Array;
  let right: DcapEndorsements;
  let others: readonly DcapEndorsements[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cloister-endorsements-"));
    const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "loaded" });
    evidence = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64));
    right = testEndorsements(vendor, platform);
    const sgx = provisionPlatform(vendor, { tee: "intel-sgx", ca: "processor", now: SIMULATED_NOW, name: "other" });
    const YEAR = 365 * 86_400_000;
    others = [
      testEndorsements(vendor, sgx),
      testEndorsements(vendor, platform, { defects: { fmspc: "0x112233445566" } }),
      testEndorsements(vendor, platform, { now: SIMULATED_NOW + YEAR }),
    ];
  });

  after(() => rm(folder, { recursive: true, force: true }));

  async function verdictWith(path: string): Promise<string> {
    const endorsements = await loadEndorsements(path, { evidence, now: SIMULATED_NOW });
    const { verdict } = await verifyEvidence(evidence, {
      endorsements,
      trustRoots: [simulatedTrustRoot(vendor)],
      now: SIMULATED_NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
    });
    return verdict;
  }

  async function writeParts(path: string, sets: readonly DcapEndorsements[]): Promise<void> {
    await mkdir(path, { recursive: true });
    const parts = sets.flatMap((set) => Object.values(set) as Uint8Array[]);
    await Promise.all(parts.map((bytes, index) => writeFile(join(path, `file-${index}`), bytes)));
  }

  it("recognises the files of a folder by their content", async () => {
    await writeParts(join(folder, "alone"), [right]);
    await writeFile(join(folder, "alone", "notes.txt"), "not an endorsement");
    expect(await verdictWith(join(folder, "alone"))).to.equal("affirming");
  });

  it("chooses what fits the evidence among other platforms', expired and future files", async () => {
    await writeParts(join(folder, "many"), [...others, right]);
    expect(await verdictWith(join(folder, "many"))).to.equal("affirming");
  });

  it("reads lists in hex and PEM", async () => {
    const { pckCrl = new Uint8Array(), rootCaCrl = new Uint8Array() } = right;
    const text = { pckCrl: Buffer.from(Buffer.from(pckCrl).toString("hex")), rootCaCrl: pem("X509 CRL", rootCaCrl) };
    await writeParts(join(folder, "text"), [{ ...right, ...text }]);
    expect(await verdictWith(join(folder, "text"))).to.equal("affirming");
  });

  it("reads our own JSON", async () => {
    const path = join(folder, "bundle.json");
    await writeFile(path, JSON.stringify(dcapEndorsementsToJson(right)));
    expect(await verdictWith(path)).to.equal("affirming");
  });

  it("reads the widespread collateral JSON", async () => {
    const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
    const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");
    const split = (document: string): { body: string; signature: string } => {
      const [, body = "", signature = ""] = /^\{"\w+":(.*),"signature":"(\w+)"\}$/.exec(document) ?? [];
      return { body, signature };
    };
    const [tcbInfo, qeIdentity] = [split(text(right.tcbInfo)), split(text(right.qeIdentity))];
    const path = join(folder, "collateral.json");
    const collateral = {
      pck_crl_issuer_chain: text(right.pckCrlIssuerChain),
      root_ca_crl: hex(right.rootCaCrl),
      pck_crl: hex(right.pckCrl),
      tcb_info_issuer_chain: text(right.tcbSigningChain),
      tcb_info: tcbInfo.body,
      tcb_info_signature: tcbInfo.signature,
      qe_identity_issuer_chain: text(right.qeIdentityIssuerChain ?? right.tcbSigningChain),
      qe_identity: qeIdentity.body,
      qe_identity_signature: qeIdentity.signature,
    };
    await writeFile(path, JSON.stringify(collateral));
    expect(await verdictWith(path)).to.equal("affirming");
  });

  it("leaves out what is not there", async () => {
    const { tcbInfo: _, ...rest } = right;
    await writeParts(join(folder, "partial"), [rest]);
    expect(await verdictWith(join(folder, "partial"))).to.equal("none");
  });

  it("says where nothing can be read or nothing is an endorsement", async () => {
    await mkdir(join(folder, "empty"));
    await expectRefusal("CONFIG_INVALID", () => verdictWith(join(folder, "empty")));
    await expectRefusal("CONFIG_MISSING", () => verdictWith(join(folder, "nowhere")));
  });
});

describe("decodeEvidence", () => {
  const raw = Buffer.concat([Buffer.from("0400020081000000", "hex"), Buffer.alloc(40, 7)]);
  const forms: readonly [string, Uint8Array][] = [
    ["raw bytes", raw],
    ["hex", Buffer.from(`${raw.toString("hex")}\n`)],
    ["hex with 0x", Buffer.from(`0x${raw.toString("hex").toUpperCase()}`)],
    ["base64 in lines", Buffer.from(raw.toString("base64").replaceAll(/.{20}/g, "$&\n"))],
  ];
  for (const [what, file] of forms) {
    it(`reads ${what}`, () => expect(Buffer.from(decodeEvidence(file)).equals(raw)).to.equal(true));
  }
});
