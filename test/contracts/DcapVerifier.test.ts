import { expect } from "chai";
import { keccak256 } from "ethers";
import { createPublicKey, sign } from "node:crypto";
import { concat, toHex } from "../../offchain/encoding/bytes.ts";
import type { QuoteDefects } from "../../offchain/device/simulated/intel/quote.ts";
import { deriveScalar, privateKeyOf, serialOf } from "../../offchain/device/simulated/intel/keys.ts";
import { PCE_ID, SIMULATED_FMSPC } from "../../offchain/device/simulated/intel/platform.ts";
import { sgxExtension } from "../../offchain/device/simulated/intel/sgx-extension.ts";
import {
  distinguishedName,
  revoke,
  standardExtensions,
  vendorAuthority,
} from "../../offchain/device/simulated/intel/vendor.ts";
import { issueCertificate, type CertificateTemplate, type Issuer } from "../../offchain/x509/issue.ts";
import { authorityKeyIdentifier } from "../../offchain/x509/issue-extensions.ts";
import { element, integer, objectIdentifier } from "../../offchain/x509/der-writer.ts";
import { deploy, type Deployed } from "../support/deployed.ts";
import { onChain, refusalOf, tcbStatusOf, upsertAll } from "../support/dcap-chain.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testVendor } from "../support/simulated-intel.ts";
import {
  bringCollateral,
  DAY,
  der,
  endorsementsOf,
  NOW,
  openSimulatedDcap,
  provision,
  quoteOf,
  REPORT_DATA,
  type SimulatedDcap,
} from "../support/simulated-dcap.ts";

type DcapHarness = Deployed<"within">;
type CertificateRole = Parameters<typeof standardExtensions>[0]["role"];

const TEES = ["intel-sgx", "intel-tdx"] as const;
/** Order of the members of `IDcapErrors.Signed` and `Rule`. */
const SIGNED = { certificate: 0, qeReport: 3, quote: 4 };
const RULE = { version: 0, key: 2, extension: 3, issuer: 4, issuerKey: 5, role: 6, name: 7, sgxExtension: 9 };

describe("DcapVerifier", () => {
  let dcap: SimulatedDcap;

  before(async () => {
    dcap = await openSimulatedDcap();
    await bringCollateral(dcap);
  });

  const verify = (quote: Uint8Array, pck: Uint8Array) => dcap.verifier.verify.staticCall(quote, pck);

  describe("verify", () => {
    for (const tee of TEES) {
      it(`tells what a quote of ${tee} says, and that its root is simulated`, async () => {
        const { quote, pckChain, platform } = await quoteOf(dcap.vendor, { tee });
        const { quote: small, pckCertificate } = onChain(quote);
        const claims = await verify(small, pckCertificate);
        expect(claims.platform).to.equal(tee === "intel-sgx" ? 0x81 : 0x82);
        expect(tcbStatusOf(claims)).to.equal("UpToDate");
        expect(claims.evaluationNumber).to.equal(20);
        expect(claims.platformId).to.equal(keccak256(platform.ppid));
        expect(claims.pckId).to.equal(keccak256(pckCertificate));
        expect(claims.facts.fmspc).to.equal(SIMULATED_FMSPC);
        expect(claims.reportDataHead + String(claims.reportDataTail).slice(2)).to.equal(toHex(REPORT_DATA));
        const { mrenclave, mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3 } = TEST_MEASUREMENTS;
        const td = [mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3].map(der);
        const measured =
          tee === "intel-sgx" ? concat(Uint8Array.of(1), der(mrenclave)) : concat(Uint8Array.of(2), ...td);
        expect(claims.workloadId).to.equal(keccak256(measured));
        expect(claims.validUntil).to.equal(NOW - 3600 + 30 * DAY);
        expect(await verify(quote, pckChain[0] ?? new Uint8Array())).to.deep.equal(claims);
      });
    }

    const DEFECTS: readonly [keyof QuoteDefects, QuoteDefects, string][] = [
      ["debug", { debug: true }, "DcapVerifierDebug"],
      ["forgedSignature", { forgedSignature: true }, `DcapInvalidSignature(${SIGNED.quote})`],
      ["foreignAttestationKey", { foreignAttestationKey: true }, "DcapVerifierKeyNotBound()"],
      ["forgedQeReport", { forgedQeReport: true }, `DcapInvalidSignature(${SIGNED.qeReport})`],
      ["foreignQe", { foreignQe: true }, "IntelCollateralWrongQuotingEnclave()"],
      ["debugQe", { debugQe: true }, "IntelCollateralWrongQuotingEnclave()"],
      ["dirtyQeReportData", { dirtyQeReportData: true }, "DcapVerifierKeyNotBound()"],
      ["truncatedBy", { truncatedBy: 1 }, "DcapVerifierMalformedQuote()"],
      ["flippedByte", { flippedByte: 0 }, "DcapVerifierUnsupportedQuote()"],
    ];
    for (const tee of TEES) {
      for (const [name, defects, error] of DEFECTS) {
        it(`refuses a quote of ${tee} with the defect ${name}`, async () => {
          const { quote, pckChain } = await quoteOf(dcap.vendor, { tee }, defects);
          expect(await refusalOf(verify(quote, pckChain[0] ?? new Uint8Array()))).to.match(startsWith(error));
        });
      }
    }

    it("refuses what is shorter, longer or in another order", async () => {
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-tdx" })).quote);
      for (let length = 0; length < quote.length; length += 13) {
        const refusal = await refusalOf(verify(quote.subarray(0, length), pckCertificate));
        expect(refusal, `${length} octets`).to.match(/^DcapVerifier(?:Malformed|Unsupported)Quote/);
      }
      const malformed = "DcapVerifierMalformedQuote()";
      expect(await refusalOf(verify(concat(quote, Uint8Array.of(0)), pckCertificate))).to.equal(malformed);
      expect(await refusalOf(verify(concat(quote, new Uint8Array(16_384)), pckCertificate))).to.equal(malformed);
      const swapped = concat(
        quote.subarray(0, 636),
        quote.subarray(700, 764),
        quote.subarray(636, 700),
        quote.subarray(764),
      );
      expect(await refusalOf(verify(swapped, pckCertificate))).to.equal("DcapVerifierKeyNotBound()");
    });

    it("does not read the certification data, but their type and length (trap 15)", async () => {
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-sgx" })).quote);
      const claims = await verify(quote, pckCertificate);
      const longer = concat(quote.subarray(0, -4), uint32(7), new Uint8Array(7).fill(9));
      longer.set(uint32(longer.length - 436), 432);
      expect(await verify(longer, pckCertificate)).to.deep.equal(claims);
      for (const type of [0, 8, 0x105]) {
        const typed = Uint8Array.from(quote);
        typed.set([type & 0xff, type >> 8], quote.length - 6);
        expect(await refusalOf(verify(typed, pckCertificate))).to.equal("DcapVerifierUnsupportedQuote()");
      }
    });

    it("accepts both forms of each signature (trap 16)", async () => {
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-tdx" })).quote);
      const claims = await verify(quote, pckCertificate);
      expect(await verify(otherS(quote, 636), pckCertificate)).to.deep.equal(claims);
      expect(await verify(otherS(quote, 770 + 384), pckCertificate)).to.deep.equal(claims);
    });

    const LEVELS = ["SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"] as const;
    for (const tcb of LEVELS) {
      it(`reports a platform that is ${tcb}`, async () => {
        const { quote, pckCertificate } = onChain(
          (await quoteOf(dcap.vendor, { tee: "intel-tdx", tcb, name: tcb })).quote,
        );
        expect(tcbStatusOf(await verify(quote, pckCertificate))).to.equal(tcb);
      });
    }

    it("converges the statuses of platform, module and quoting enclave", async () => {
      for (const [options, status] of [
        [{ quotingEnclave: "OutOfDate" }, "OutOfDate"],
        [{ tdxModule: "OutOfDate" }, "OutOfDate"],
        [{ tdxModule: "OutOfDate", tcb: "ConfigurationNeeded" }, "OutOfDateConfigurationNeeded"],
      ] as const) {
        const name = JSON.stringify(options);
        const { quote, pckCertificate } = onChain(
          (await quoteOf(dcap.vendor, { tee: "intel-tdx", name, ...options })).quote,
        );
        expect(tcbStatusOf(await verify(quote, pckCertificate)), name).to.equal(status);
      }
    });

    it("refuses what is revoked or below every level", async () => {
      for (const [options, error] of [
        [{ tcb: "Revoked" }, "DcapVerifierTcbRevoked()"],
        [{ quotingEnclave: "Revoked" }, "DcapVerifierTcbRevoked()"],
        [{ tdxModule: "Revoked" }, "DcapVerifierTcbRevoked()"],
        [{ tcb: "Unknown" }, "IntelCollateralNoLevel()"],
        [{ quotingEnclave: "Unknown" }, "IntelCollateralNoLevel()"],
        [{ tdxModule: "Unknown" }, "IntelCollateralNoLevel()"],
      ] as const) {
        const name = JSON.stringify(options);
        const { quote, pckCertificate } = onChain(
          (await quoteOf(dcap.vendor, { tee: "intel-tdx", name, ...options })).quote,
        );
        expect(await refusalOf(verify(quote, pckCertificate)), name).to.equal(error);
      }
    });
  });

  describe("floors below policy (traps 1 and 27)", () => {
    const resigned = async (tee: (typeof TEES)[number], offset: number, ...octets: readonly number[]) => {
      const { quote, platform } = await quoteOf(dcap.vendor, { tee });
      const { quote: small, pckCertificate } = onChain(quote);
      const stop = tee === "intel-sgx" ? 432 : 632;
      const changed = Uint8Array.from(small);
      changed.set(octets, 48 + offset);
      const key = privateKeyOf(platform.attestationKey);
      changed.set(sign("sha256", changed.subarray(0, stop), { key, dsaEncoding: "ieee-p1363" }), stop + 4);
      return refusalOf(verify(changed, pckCertificate));
    };

    it("accepts the quote that the changes are made to", async () => {
      expect(await resigned("intel-sgx", 48, 0x05)).to.equal(undefined);
      expect(await resigned("intel-tdx", 120, 0x00)).to.equal(undefined);
    });

    it("refuses every bit of a TD's first attribute octet", async () => {
      for (let bit = 0; bit < 8; bit += 1) {
        expect(await resigned("intel-tdx", 120, 1 << bit)).to.match(/^DcapVerifierDebug/);
      }
    });

    it("refuses reserved attributes of a TD, and features without x87 and SSE", async () => {
      for (const [offset, octet] of [
        [121, 0x01],
        [122, 0x02],
        [123, 0x04],
        [124, 0x01],
        [127, 0x20],
        [128, 0xe5],
        [128, 0xe6],
      ] as const) {
        expect(await resigned("intel-tdx", offset, octet)).to.match(/^DcapVerifierReservedAttributes/);
      }
      for (const [offset, octet] of [
        [122, 0x01],
        [123, 0xf8],
        [127, 0xc0],
      ] as const) {
        expect(await resigned("intel-tdx", offset, octet)).to.equal(undefined);
      }
    });

    it("refuses SEAM attributes, another signer of the module, and a TD without measurement", async () => {
      expect(await resigned("intel-tdx", 119, 0x01)).to.match(/^DcapVerifierSeamAttributes/);
      expect(await resigned("intel-tdx", 64, 0x01)).to.equal("IntelCollateralWrongTdxModule(1)");
      expect(await resigned("intel-tdx", 1, 0x09)).to.equal("IntelCollateralWrongTdxModule(9)");
      expect(await resigned("intel-tdx", 136, ...new Uint8Array(48))).to.equal("DcapVerifierNotMeasured()");
    });

    it("refuses debug, reserved attributes and no measurement of an enclave", async () => {
      expect(await resigned("intel-sgx", 48, 0x07)).to.match(/^DcapVerifierDebug/);
      for (const [offset, octet] of [
        [48, 0x04],
        [48, 0x01],
        [48, 0x0d],
        [49, 0x01],
        [55, 0x80],
        [56, 0xe5],
      ] as const) {
        expect(await resigned("intel-sgx", offset, octet)).to.match(/^DcapVerifierReservedAttributes/);
      }
      expect(await resigned("intel-sgx", 64, ...new Uint8Array(32))).to.equal("DcapVerifierNotMeasured()");
    });
  });

  describe("the PCK certificate", () => {
    const platform = () => provision(dcap.vendor, { tee: "intel-sgx" });
    const machine = {
      ca: "processor",
      ppid: new Uint8Array(16),
      components: Array.from({ length: 16 }, () => 9),
    } as const;
    const extension = sgxExtension({
      ...machine,
      platformInstanceId: new Uint8Array(16),
      pceSvn: 13,
      pceId: der(PCE_ID),
      fmspc: der(SIMULATED_FMSPC),
    });
    const authority = vendorAuthority(testVendor(), "processor");
    const standard = (role: CertificateRole = "leaf", issuer = authority) => {
      const publicKey = createPublicKey(privateKeyOf(platform().pckKey));
      return standardExtensions({ role, publicKey, issuer, crlUrl: "https://example.test/" });
    };
    const issued = (change: Partial<CertificateTemplate>, by: Issuer = authority) => {
      const key = privateKeyOf(platform().pckKey);
      const template = {
        serial: serialOf(key, "changed"),
        subject: distinguishedName("SIMULATED Intel SGX PCK Certificate"),
        publicKey: createPublicKey(key),
        notBefore: SIMULATED_NOW - DAY * 1000,
        notAfter: SIMULATED_NOW + DAY * 1000,
        extensions: [...standard(), extension],
      };
      return issueCertificate({ ...template, ...change }, by);
    };
    const refusal = async (pckCertificate: Uint8Array) => {
      const { quote } = await quoteOf(dcap.vendor, { tee: "intel-sgx" });
      return refusalOf(verify(quote, pckCertificate));
    };

    it("accepts the certificate that the changes are made to", async () => {
      expect(await refusal(issued({}))).to.equal(undefined);
    });

    it("is refused before and after its validity (trap 13)", async () => {
      const day = DAY * 1000;
      const early = issued({ notBefore: SIMULATED_NOW + day, notAfter: SIMULATED_NOW + 2 * day });
      const late = issued({ notBefore: SIMULATED_NOW - 2 * day, notAfter: SIMULATED_NOW - day });
      expect(await refusal(early)).to.match(/^DcapNotValid\(0,/);
      expect(await refusal(late)).to.match(/^DcapNotValid\(0,/);
    });

    it("has to be of a PCK authority, and signed by it", async () => {
      const root = vendorAuthority(dcap.vendor, "root");
      expect(await refusal(issued({ extensions: [...standard("leaf", root), extension] }, root))).to.equal(
        `DcapRuleBroken(${RULE.issuer})`,
      );
      const forger = privateKeyOf(deriveScalar(dcap.vendor.seed, "forger"));
      const named = { ...authority, privateKey: forger };
      expect(await refusal(issued({}, named))).to.equal(`DcapInvalidSignature(${SIGNED.certificate})`);
      const another = { extensions: [...standard("leaf", named), extension] };
      expect(await refusal(issued(another))).to.equal(`DcapRuleBroken(${RULE.issuerKey})`);
      for (const identifier of [[], [authorityKeyIdentifier(new Uint8Array())]]) {
        const extensions = [...identifier, ...standard().slice(1), extension];
        expect(await refusal(issued({ extensions }))).to.equal(`DcapRuleBroken(${RULE.issuerKey})`);
      }
      const forged = issued({});
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      expect(await refusal(forged)).to.equal(`DcapInvalidSignature(${SIGNED.certificate})`);
    });

    it("has to be an end entity's, under its name, with the SGX extension once and in order", async () => {
      expect(await refusal(issued({ extensions: [...standard({ pathLength: 0 }), extension] }))).to.equal(
        `DcapRuleBroken(${RULE.role})`,
      );
      const other = distinguishedName("SIMULATED Intel SGX TCB Signing");
      expect(await refusal(issued({ subject: other }))).to.equal(`DcapRuleBroken(${RULE.name})`);
      expect(await refusal(issued({ extensions: standard() }))).to.equal(`DcapRuleBroken(${RULE.sgxExtension})`);
      expect(await refusal(issued({ extensions: [...standard(), extension, extension] }))).to.equal(
        `DcapRuleBroken(${RULE.extension})`,
      );
      const critical = { oid: "1.2.3.4", critical: true, value: integer(1) };
      expect(await refusal(issued({ extensions: [...standard(), extension, critical] }))).to.equal(
        `DcapRuleBroken(${RULE.extension})`,
      );
      const unknown = { oid: "1.2.3.4", critical: false, value: integer(1) };
      expect(await refusal(issued({ extensions: [unknown, ...standard(), extension] }))).to.equal(undefined);
      const empty = { ...extension, value: element("sequence", objectIdentifier("1.2.3")) };
      expect(await refusal(issued({ extensions: [...standard(), empty] }))).to.match(/^Dcap/);
    });

    it("is refused with any octet changed", async function () {
      this.timeout(120_000);
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-sgx" })).quote);
      for (let offset = 0; offset < pckCertificate.length; offset += 5) {
        const changed = Uint8Array.from(pckCertificate);
        changed[offset] = (changed[offset] ?? 0) ^ 0x01;
        expect(await refusalOf(verify(quote, changed)), `octet ${offset}`).to.match(/^Dcap/);
      }
      for (let length = 0; length < pckCertificate.length; length += 31) {
        expect(await refusalOf(verify(quote, pckCertificate.subarray(0, length)))).to.match(/^Dcap/);
      }
      expect(await refusalOf(verify(quote, concat(pckCertificate, Uint8Array.of(0))))).to.match(/^DcapMalformedDer/);
    });
  });

  describe("the caches", () => {
    const cached = async (tee: (typeof TEES)[number]) => {
      const input = onChain((await quoteOf(dcap.vendor, { tee, name: `cached ${tee}` })).quote);
      const pckId = keccak256(input.pckCertificate);
      await dcap.verifier.cachePck(input.pckCertificate);
      await dcap.verifier.cacheAttestationKey(input.quote, pckId);
      return { ...input, pckId, keyId: keccak256(concat(der(pckId), input.keyPreimage)) };
    };

    for (const tee of TEES) {
      it(`give the same claims of ${tee} as the whole evidence`, async () => {
        const { quote, signedQuote, pckCertificate, pckId, keyId } = await cached(tee);
        const claims = await verify(quote, pckCertificate);
        expect(await dcap.verifier.isPckCached(pckId)).to.equal(true);
        expect(await dcap.verifier.isKeyCached(keyId)).to.equal(true);
        expect(await dcap.verifier.verifyWithPck.staticCall(quote, pckId)).to.deep.equal(claims);
        expect(await dcap.verifier.verifyWithKey.staticCall(signedQuote, keyId)).to.deep.equal(claims);
      });
    }

    it("are filled once and announced", async () => {
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-sgx", name: "told" })).quote);
      const [pckId, { verifier }] = [keccak256(pckCertificate), dcap];
      await expect(verifier.cachePck(pckCertificate)).to.emit(verifier, "PckCached");
      await expect(verifier.cachePck(pckCertificate)).not.to.emit(verifier, "PckCached");
      await expect(verifier.cacheAttestationKey(quote, pckId)).to.emit(verifier, "AttestationKeyCached");
      await expect(verifier.cacheAttestationKey(quote, pckId)).not.to.emit(verifier, "AttestationKeyCached");
    });

    it("know nothing that was not verified", async () => {
      const { quote, signedQuote, pckCertificate } = onChain(
        (await quoteOf(dcap.vendor, { tee: "intel-tdx", name: "unknown" })).quote,
      );
      const [pckId, { verifier }] = [keccak256(pckCertificate), dcap];
      expect(await refusalOf(verifier.verifyWithPck(quote, pckId))).to.equal(`DcapVerifierUnknownPck(${pckId})`);
      expect(await refusalOf(verifier.verifyWithKey(signedQuote, pckId))).to.equal(`DcapVerifierUnknownKey(${pckId})`);
      expect(await refusalOf(verifier.cacheAttestationKey(quote, pckId))).to.match(/^DcapVerifierUnknownPck/);
      const forged = await quoteOf(dcap.vendor, { tee: "intel-tdx", name: "unknown" }, { forgedQeReport: true });
      await verifier.cachePck(pckCertificate);
      expect(await refusalOf(verifier.cacheAttestationKey(forged.quote, pckId))).to.match(/^DcapInvalidSignature/);
    });

    it("do not take another key, another platform's quote, or a longer part", async () => {
      const { quote, signedQuote, pckId, keyId } = await cached("intel-tdx");
      const other = onChain((await quoteOf(dcap.vendor, { tee: "intel-tdx", name: "another" })).quote);
      const { verifier } = dcap;
      expect(await refusalOf(verifier.verifyWithPck(other.quote, pckId))).to.equal(
        `DcapInvalidSignature(${SIGNED.qeReport})`,
      );
      expect(await refusalOf(verifier.verifyWithKey(other.signedQuote, keyId))).to.equal(
        `DcapInvalidSignature(${SIGNED.quote})`,
      );
      for (const wrong of [quote, signedQuote.subarray(0, -1), concat(signedQuote, Uint8Array.of(0))]) {
        expect(await refusalOf(verifier.verifyWithKey(wrong, keyId))).to.equal("DcapVerifierMalformedQuote()");
      }
    });

    it("end with the PCK certificate, the collateral and a revocation (trap 13)", async () => {
      const options = { tee: "intel-sgx", name: "ending", notAfter: SIMULATED_NOW + 2 * DAY * 1000 } as const;
      const { quote, platform } = await quoteOf(dcap.vendor, options);
      const input = onChain(quote);
      const pckId = keccak256(input.pckCertificate);
      const keyId = keccak256(concat(der(pckId), input.keyPreimage));
      await dcap.verifier.cachePck(input.pckCertificate);
      await dcap.verifier.cacheAttestationKey(input.quote, pckId);
      const refusals = async () => [
        await refusalOf(dcap.verifier.verifyWithPck(input.quote, pckId)),
        await refusalOf(dcap.verifier.verifyWithKey(input.signedQuote, keyId)),
      ];
      expect(await refusals()).to.deep.equal([undefined, undefined]);
      await dcap.chain.at(NOW + 2 * DAY + 1, async () => {
        for (const refusal of await refusals()) expect(refusal).to.match(/^DcapNotValid\(0,/);
      });
      await dcap.chain.at(NOW + DAY, async () => {
        const revoked = { issuer: "processor", serial: platform.pckSerial, revokedAt: SIMULATED_NOW } as const;
        const now = SIMULATED_NOW + DAY * 1000;
        const later = endorsementsOf(revoke(dcap.vendor, revoked), "intel-sgx", { now });
        await upsertAll(dcap.collateral, later);
        for (const refusal of await refusals()) expect(refusal).to.match(/^DcapRevoked/);
        expect(await refusalOf(verify(input.quote, input.pckCertificate))).to.match(/^DcapRevoked/);
      });
    });
  });

  it("never gives a verdict for want of gas (trap 18)", async function () {
    this.timeout(120_000);
    const harness = await deploy<DcapHarness>(dcap.chain.ethers, "DcapHarness");
    const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-tdx" })).quote);
    const data = dcap.verifier.interface.encodeFunctionData("verify", [quote, pckCertificate]);
    const target = await dcap.verifier.getAddress();
    const outOfGas = dcap.verifier.interface.getError("DcapOutOfGas")?.selector;
    const whole = await dcap.chain.ethers.provider.call({ to: target, data });
    const outcomes = { verified: 0, nothing: 0, outOfGas: 0 };
    for (let gas = 1_000; gas < 150_000; gas += 311) {
      const [ok, answer] = (await harness.within(target, data, gas)) as [boolean, string];
      if (ok) expect(answer).to.equal(whole);
      else expect(answer).to.be.oneOf(["0x", outOfGas]);
      outcomes[ok ? "verified" : answer === "0x" ? "nothing" : "outOfGas"] += 1;
    }
    for (const count of Object.values(outcomes)) expect(count).to.be.greaterThan(0);
  });
});

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[()]/g, String.raw`\$&`)}`);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}

/** The other form of the signature `r || s` at an offset. */
function otherS(quote: Uint8Array, offset: number): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(toHex(quote.subarray(offset + 32, offset + 64)));
  const changed = Uint8Array.from(quote);
  changed.set(der(`0x${(order - s).toString(16).padStart(64, "0")}`), offset + 32);
  return changed;
}
