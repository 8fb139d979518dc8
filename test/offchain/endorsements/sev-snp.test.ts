import { expect } from "chai";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadEndorsements } from "../../../offchain/endorsements/bundle.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys, NOW, pem, type Bytes } from "../../support/pki.ts";
import { snpCrl, snpEndorsements, snpReport, snpVendor, type SnpVendor } from "../../support/sev-snp.ts";

const DAY = 86_400_000;

describe("loadEndorsements for SEV-SNP", () => {
  const directory = temporaryDirectory();
  let vendor: SnpVendor;
  let evidence: Uint8Array;

  before(function () {
    this.timeout(60_000);
    vendor = snpVendor();
    evidence = snpReport(vendor);
  });

  async function checked(name: string, files: Readonly<Record<string, Bytes>>): Promise<readonly string[]> {
    const folder = join(directory, name);
    mkdirSync(folder);
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
    const endorsements = await loadEndorsements(folder, { evidence, now: NOW });
    const { verdict, checks } = await verifyEvidence(evidence, {
      endorsements,
      trustRoots: [vendor.trustRoot("Milan")],
      now: NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
    });
    return [verdict, checks.find(({ id }) => id === "ark-crl")?.outcome ?? ""];
  }

  it("recognises certificates in DER, the chain as AMD's service answers it, and the list", async () => {
    const { vek, ask, ark } = snpEndorsements(vendor);
    const files = { "vcek.der": vek, "cert_chain.pem": pem("CERTIFICATE", ask, ark), crl: snpCrl(vendor) };
    expect(await checked("alone", { ...files, "notes.txt": Buffer.from("no certificate") })).to.deep.equal([
      "affirming",
      "pass",
    ]);
  });

  it("chooses the VCEK that signed, its own issuers, and what is valid", async () => {
    const right = snpEndorsements(vendor);
    const old = snpEndorsements(vendor, { ask: { notAfter: NOW - DAY }, vek: { keys: createKeys("P-384") } });
    const genoa = snpEndorsements(vendor, { product: "Genoa", vek: { keys: createKeys("P-384") } });
    const vlek = snpEndorsements(vendor, { type: "VLEK" });
    const files = Object.fromEntries(
      [old, genoa, vlek, right].flatMap((set, index) =>
        Object.entries(set).map(([role, bytes]) => [`${role}-${index}`, bytes] as const),
      ),
    );
    const lists = {
      old: snpCrl(vendor, { thisUpdate: NOW - 9 * DAY, nextUpdate: NOW - 8 * DAY }),
      new: snpCrl(vendor),
      genoa: snpCrl(vendor, { issuer: "ARK-Genoa" }),
    };
    expect(await checked("many", { ...files, ...lists })).to.deep.equal(["affirming", "pass"]);
  });

  it("leaves out what is not there, and refuses a folder without a VEK", async () => {
    const { vek, ask, ark } = snpEndorsements(vendor);
    expect(await checked("partial", { vek, ask })).to.deep.equal(["none", "none"]);
    await expectRefusal("CONFIG_INVALID", () => checked("authorities", { ask, ark }));
  });
});
