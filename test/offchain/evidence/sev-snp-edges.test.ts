/** Both sides of every limit of AMD's formats. */
import { expect } from "chai";
import { CheckLog } from "../../../offchain/evidence/check-log.ts";
import { productNamed, productOf } from "../../../offchain/evidence/sev-snp/product.ts";
import { parseReport } from "../../../offchain/evidence/sev-snp/report.ts";
import { readVekExtensions } from "../../../offchain/evidence/sev-snp/vek.ts";
import { verifyReport } from "../../../offchain/evidence/sev-snp/verify.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { codeOf, codeOfAsync } from "../../support/errors.ts";
import { der, int, NOW, octets, type Bytes } from "../../support/pki.ts";
import { CHIP_ID, snpEndorsements, snpReport, snpVendor, type ReportParts } from "../../support/sev-snp.ts";

const vendor = snpVendor();
const chains = new ChainVerifier();
const endorsements = snpEndorsements(vendor);

const codeOfReport = (at: NonNullable<ReportParts["at"]>): Promise<string> =>
  codeOfAsync(() =>
    verifyReport(parseReport(snpReport(vendor, { at })), {
      endorsements,
      trustRoots: [vendor.trustRoot("Milan")],
      now: NOW,
      log: new CheckLog(),
      chains,
    }),
  );

describe("a report at its limits", () => {
  it("may be asked for at any level of privilege that there is", () => {
    for (const vmpl of [0, 1, 2, 3]) {
      expect(parseReport(snpReport(vendor, { at: [[0x30, Buffer.of(vmpl)]] })).vmpl).to.equal(vmpl);
    }
  });

  /** Build, minor and major of the committed firmware, and of the current one. */
  const firmware: readonly [readonly number[], readonly number[], string][] = [
    [[29, 55, 1], [29, 55, 1], "none"],
    [[200, 54, 1], [0, 55, 1], "none"],
    [[200, 200, 1], [0, 55, 2], "none"],
    [[30, 55, 1], [29, 55, 1], "BINDING_MISMATCH"],
    [[0, 56, 1], [200, 55, 1], "BINDING_MISMATCH"],
    [[0, 55, 2], [200, 200, 1], "BINDING_MISMATCH"],
  ];
  for (const [committed, current, code] of firmware) {
    it(`gives ${code} for committed firmware ${committed.join(".")} and current ${current.join(".")}`, async () => {
      const at = [[0x1e8, Buffer.from(current)] as const, [0x1ec, Buffer.from(committed)] as const];
      expect(await codeOfReport(at)).to.equal(code);
    });
  }

  /** Minor and major of the ABI that the guest's policy asks for; the firmware is 1.55. */
  const policies: readonly [number, number, string][] = [
    [55, 1, "none"],
    [200, 0, "none"],
    [56, 1, "BINDING_MISMATCH"],
    [0, 2, "BINDING_MISMATCH"],
  ];
  for (const [minor, major, code] of policies) {
    it(`gives ${code} where its policy asks for ABI ${major}.${minor}`, async () => {
      expect(await codeOfReport([[0x08, Buffer.of(minor, major)]])).to.equal(code);
    });
  }

  it("tells whether its policy allows the multithreading that is on", async () => {
    const [on, forbidden] = [[0x40, Buffer.of(1)] as const, [0x0a, Buffer.of(2)] as const];
    expect([await codeOfReport([on]), await codeOfReport([on, forbidden])]).to.deep.equal(["none", "BINDING_MISMATCH"]);
    expect(await codeOfReport([[0x40, Buffer.of(0)], forbidden])).to.equal("none");
  });
});

describe("AMD's products", () => {
  it("are told by family and model, from the first to the last of each line", () => {
    const models: readonly [number, number, string | undefined][] = [
      [0x19, 0x00, "Milan"],
      [0x19, 0x0f, "Milan"],
      [0x19, 0x10, "Genoa"],
      [0x19, 0x1f, "Genoa"],
      [0x19, 0x20, undefined],
      [0x19, 0x9f, undefined],
      [0x19, 0xa0, "Genoa"],
      [0x19, 0xaf, "Genoa"],
      [0x19, 0xb0, undefined],
      [0x1a, 0x00, "Turin"],
      [0x1a, 0x1f, "Turin"],
      [0x1a, 0x20, undefined],
      [0x18, 0x01, undefined],
    ];
    for (const [family, model, product] of models) {
      expect([family, model, productOf({ family, model })]).to.deep.equal([family, model, product]);
    }
  });

  it("are told by their names and what may follow them", () => {
    const names = ["Milan", "Milan-B0", "Genoa-", "Turin", "Milano", "milan", ""];
    const products = ["Milan", "Milan", "Genoa", "Turin", undefined, undefined, undefined];
    expect(names.map(productNamed)).to.deep.equal(products);
  });
});

describe("a VEK's extensions at their limits", () => {
  const read = (extensions: Readonly<Record<string, Bytes | undefined>>) =>
    readVekExtensions(parseCertificate(new Uint8Array(snpEndorsements(vendor, { extensions }).vek)));

  it("hold numbers of one octet", () => {
    expect(read({ "3.8": int(0xff) }).tcb.ucode).to.equal(0xff);
    expect(codeOf(() => read({ "3.8": int(0x100) }))).to.equal("EVIDENCE_MALFORMED");
  });

  it("name the chip as it is or in an octet string", () => {
    for (const hwid of [CHIP_ID, octets(CHIP_ID)])
      expect(read({ "4": hwid }).hwid).to.deep.equal(new Uint8Array(CHIP_ID));
  });

  it("are refused where something is missing, of another length or after them", () => {
    const name = der(0x16, Buffer.from("Milan"));
    const wrong: readonly Readonly<Record<string, Bytes | undefined>>[] = [
      { "2": undefined },
      { "2": Buffer.concat([name, int(1)]) },
      { "2": der(0x0c, Buffer.from("Milan")) },
      { "3.1": undefined },
      { "3.2": Buffer.concat([int(0), int(1)]) },
      { "4": octets(CHIP_ID.subarray(1)) },
      { "4": Buffer.concat([octets(CHIP_ID), int(1)]) },
    ];
    for (const [index, extensions] of wrong.entries()) {
      expect([index, codeOf(() => read(extensions))]).to.deep.equal([index, "EVIDENCE_MALFORMED"]);
    }
    expect(codeOf(() => read({ "2": der(0x16, Buffer.from("Rome")) }))).to.equal("EVIDENCE_UNSUPPORTED");
  });
});
