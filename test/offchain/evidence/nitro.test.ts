import { expect } from "chai";
import { keccak256 } from "#crypto";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { CheckLog } from "../../../offchain/evidence/check-log.ts";
import { nitroClaims } from "../../../offchain/evidence/nitro/claims.ts";
import { parseDocument } from "../../../offchain/evidence/nitro/document.ts";
import { verifyDocument } from "../../../offchain/evidence/nitro/verify.ts";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  encodeCbor,
  MODULE_ID,
  nitroChain,
  nitroDocument,
  testPcrs,
  USER_DATA,
  type ChainParts,
  type MessageParts,
  type NitroChain,
} from "../../support/nitro.ts";
import { createKeys, ECDSA_SHA256, extension, NOW, octets, seq, bool, der, int, bits } from "../../support/pki.ts";

const CHAIN = nitroChain();
const SECOND = 1000;
const HOUR = 3_600_000;
const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);

interface At {
  readonly now?: number;
  readonly chain?: NitroChain;
  readonly expectedNonce?: Uint8Array;
}

async function claimsOf(bytes: Uint8Array, { now = NOW, chain = CHAIN, expectedNonce }: At = {}): Promise<Claims> {
  const context = { log: new CheckLog(), chains: new ChainVerifier(), trustRoots: [chain.trustRoot], now };
  const nonce = expectedNonce === undefined ? {} : { expectedNonce };
  return nitroClaims(await verifyDocument(parseDocument(bytes), { ...context, ...nonce }));
}

const withFields = (fields: MessageParts["fields"] = {}): Uint8Array => nitroDocument(CHAIN, { fields });
const withPcrs = (...changed: readonly [unknown, unknown][]): Uint8Array =>
  withFields({ pcrs: new Map<unknown, unknown>([...testPcrs(), ...changed]) });

describe("AWS Nitro attestation documents", () => {
  describe("claims", () => {
    it("are the same with and without the tag but for the evidence's hash", async () => {
      const untagged = withFields();
      const tagged = concat(Uint8Array.of(0xd2), untagged);
      const claims = await claimsOf(untagged);
      expect(claims.evidenceHash).to.equal(hex(keccak256(untagged)));
      expect(await claimsOf(tagged)).to.deep.equal({ ...claims, evidenceHash: hex(keccak256(tagged)) });
    });

    it("name every register, the workload, the instance and the document's facts", async () => {
      const claims = await claimsOf(withFields({ public_key: Buffer.from("key") }));
      const pcrs = testPcrs();
      expect(claims).to.include({ platform: "aws-nitro", simulated: true, debug: false, reportData: hex(USER_DATA) });
      expect(claims.tcb).to.equal(undefined);
      expect(claims.measurements).to.deep.equal(
        Object.fromEntries([...pcrs].map(([index, bytes]) => [`pcr${index}`, hex(bytes)])),
      );
      const [pcr0, pcr1, pcr2] = [1, 2, 3].map((fill) => new Uint8Array(48).fill(fill));
      expect(claims.workloadId).to.equal(hex(keccak256(concat(Uint8Array.of(4), pcr0!, pcr1!, pcr2!))));
      expect(claims.platformId).to.equal(hex(keccak256(utf8("i-0123456789abcdef0"))));
      expect(claims.validUntil).to.equal(NOW + 178 * 60 * SECOND);
      expect(claims.details).to.deep.equal({
        moduleId: MODULE_ID,
        digest: "SHA384",
        timestamp: NOW - 60 * SECOND,
        publicKey: hex(Buffer.from("key")),
        userData: hex(USER_DATA),
        nonce: hex(Buffer.from("nonce")),
      });
    });

    it("are in debug mode where PCR0 is all zero, and only there", async () => {
      expect((await claimsOf(withPcrs([0, new Uint8Array(48)]))).debug).to.equal(true);
      expect((await claimsOf(withPcrs([1, new Uint8Array(48)]))).debug).to.equal(false);
    });

    it("leave out what is null, absent, or no report data, and an unknown module's platform", async () => {
      const claims = await claimsOf(
        withFields({ module_id: "module", user_data: Buffer.alloc(63, 1), nonce: null, public_key: undefined }),
      );
      expect(claims.reportData).to.equal("");
      expect(claims).to.not.have.property("platformId");
      expect(claims.details).to.not.have.any.keys("nonce", "publicKey");
    });
  });

  describe("limits that are still met", () => {
    const accepted: Readonly<Record<string, () => Uint8Array>> = {
      "an empty public key": () => withFields({ public_key: Buffer.of() }),
      "the longest public key": () => withFields({ public_key: Buffer.alloc(1024) }),
      "the longest user data": () => withFields({ user_data: Buffer.alloc(512) }),
      "the longest nonce": () => withFields({ nonce: Buffer.alloc(512) }),
      "no more than PCR0 to PCR2": () => withFields({ pcrs: new Map([...testPcrs()].slice(0, 3)) }),
      "PCR31 of 64 bytes": () => withPcrs([31, Buffer.alloc(64)]),
      "PCR16 of 32 bytes": () => withPcrs([16, Buffer.alloc(32)]),
    };
    for (const [what, document] of Object.entries(accepted)) {
      it(`accepts ${what}`, async () => expect((await claimsOf(document())).platform).to.equal("aws-nitro"));
    }
  });

  describe("malformed", () => {
    const refusals: Record<string, () => Uint8Array> = {
      "a field that is not allowed": () => withFields({ further: 1 }),
      "an empty module id": () => withFields({ module_id: "" }),
      "a module id in bytes": () => withFields({ module_id: Buffer.from(MODULE_ID) }),
      "another digest": () => withFields({ digest: "SHA256" }),
      "a timestamp of zero": () => withFields({ timestamp: 0 }),
      "a negative timestamp": () => withFields({ timestamp: -1 }),
      "a timestamp that is no date": () => withFields({ timestamp: 2n ** 64n - 1n }),
      "a timestamp in text": () => withFields({ timestamp: "1" }),
      "registers in a list": () => withFields({ pcrs: [...testPcrs().values()] }),
      "no registers": () => withFields({ pcrs: new Map() }),
      PCR32: () => withPcrs([32, Buffer.alloc(48)]),
      "PCR-1": () => withPcrs([-1, Buffer.alloc(48)]),
      "a register named in text": () => withPcrs(["3", Buffer.alloc(48)]),
      "a register of 47 bytes": () => withPcrs([3, Buffer.alloc(47)]),
      "a register of 65 bytes": () => withPcrs([3, Buffer.alloc(65)]),
      "a register in text": () => withPcrs([3, "3"]),
      "PCR1 of another length than PCR0": () => withPcrs([1, Buffer.alloc(64, 1)]),
      "PCR2 of another length than PCR0": () => withPcrs([2, Buffer.alloc(32, 1)]),
      "an empty certificate": () => withFields({ certificate: Buffer.of() }),
      "a certificate of 1025 bytes": () => withFields({ certificate: Buffer.alloc(1025) }),
      "an empty bundle": () => withFields({ cabundle: [] }),
      "a bundle that is no list": () => withFields({ cabundle: Buffer.of(1) }),
      "an empty certificate in the bundle": () => withFields({ cabundle: [Buffer.of(), ...CHAIN.cabundle] }),
      "a public key of 1025 bytes": () => withFields({ public_key: Buffer.alloc(1025) }),
      "user data of 513 bytes": () => withFields({ user_data: Buffer.alloc(513) }),
      "a nonce of 513 bytes": () => withFields({ nonce: Buffer.alloc(513) }),
      "a nonce in text": () => withFields({ nonce: "nonce" }),
      "an empty payload": () => nitroDocument(CHAIN, { payload: Buffer.of() }),
      "a payload above its limit": () =>
        nitroDocument(CHAIN, { payload: encodeCbor(new Map([["nonce", Buffer.alloc(16_384)]])) }),
      "a payload that is no map": () => nitroDocument(CHAIN, { payload: encodeCbor([1]) }),
      "a message above its limit": () => nitroDocument(CHAIN, { unprotected: new Map([[4, Buffer.alloc(16_384)]]) }),
      "a rest after the message": () => concat(withFields(), Uint8Array.of(0)),
      "a second tag": () => concat(Uint8Array.of(0xd2, 0xd2), withFields()),
    };
    for (const name of ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"]) {
      refusals[`without ${name}`] = () => withFields({ [name]: undefined });
      refusals[`with ${name} null`] = () => withFields({ [name]: null });
    }
    for (const index of [0, 1, 2]) {
      refusals[`without PCR${index}`] = () =>
        withFields({ pcrs: new Map([...testPcrs()].filter(([number]) => number !== index)) });
    }
    for (const [what, document] of Object.entries(refusals)) {
      it(`refuses ${what}`, () => expectRefusal("EVIDENCE_MALFORMED", () => parseDocument(document())));
    }

    it("refuses every truncation", async () => {
      const whole = withFields();
      for (let length = 0; length < whole.length; length += 1) {
        await expectRefusal("EVIDENCE_MALFORMED", () => parseDocument(whole.subarray(0, length)));
      }
    });
  });

  describe("not signed as they must be", () => {
    const header = (text: string): Uint8Array => nitroDocument(CHAIN, { protectedBytes: Buffer.from(text, "hex") });
    const refusals: readonly [string, ErrorCode, () => Uint8Array][] = [
      ["ES256 named", "EVIDENCE_UNSUPPORTED", () => header("a10126")],
      ["no algorithm named", "EVIDENCE_UNSUPPORTED", () => header("a0")],
      ["an empty protected header", "EVIDENCE_UNSUPPORTED", () => header("")],
      ["a further protected header", "EVIDENCE_UNSUPPORTED", () => header("a20138220400")],
      [
        "an unprotected header",
        "EVIDENCE_MALFORMED",
        () => nitroDocument(CHAIN, { unprotected: new Map([[4, Buffer.from("kid")]]) }),
      ],
      ["another key's signature", "SIGNATURE_INVALID", () => nitroDocument(CHAIN, { signer: createKeys("P-384") })],
      ["a key of P-256", "SIGNATURE_INVALID", () => nitroDocument(CHAIN, { signer: createKeys("P-256") })],
    ];
    for (const [what, code, document] of refusals) {
      it(`refuses ${what}`, () => expectRefusal(code, () => claimsOf(document())));
    }
  });

  describe("not issued as they must be", () => {
    const p256 = createKeys("P-256");
    const usage = (...content: readonly number[]): Buffer => extension("2.5.29.15", true, bits(...content));
    const constraints = (...parts: readonly Buffer[]): Buffer => extension("2.5.29.19", true, seq(...parts));
    const keyId = (fill: number): Buffer => extension("2.5.29.35", false, seq(der(0x80, Buffer.alloc(20, fill))));
    const refusals: readonly [string, ErrorCode, ChainParts][] = [
      ["an expired enclave's certificate", "CERTIFICATE_EXPIRED", { enclave: { notAfter: NOW - SECOND } }],
      ["an expired instance's certificate", "CERTIFICATE_EXPIRED", { instance: { notAfter: NOW - SECOND } }],
      ["a region's certificate not yet valid", "CERTIFICATE_EXPIRED", { region: { notBefore: NOW + SECOND } }],
      ["an expired root", "CERTIFICATE_EXPIRED", { root: { notAfter: NOW - SECOND } }],
      ["a document older than its certificate", "CERTIFICATE_EXPIRED", { enclave: { notBefore: NOW - SECOND } }],
      ["an authority as the signer", "CHAIN_UNTRUSTED", { enclave: { isCa: true, keyUsage: [1, 0b1000_0110] } }],
      ["a signer that may not sign data", "CHAIN_UNTRUSTED", { enclave: { keyUsage: [6, 0b0100_0000] } }],
      ["a signer without key usage", "CHAIN_UNTRUSTED", { enclave: { standardExtensions: [constraints()] } }],
      ["a signer with a key of P-256", "EVIDENCE_UNSUPPORTED", { enclave: { keys: p256 } }],
      [
        "an instance that is no authority",
        "CHAIN_UNTRUSTED",
        { instance: { standardExtensions: [constraints(), usage(2, 0b0000_0100)] } },
      ],
      ["an instance that may not certify", "CHAIN_UNTRUSTED", { instance: { keyUsage: [7, 0b1000_0000] } }],
      ["a path longer than allowed", "CHAIN_UNTRUSTED", { region: { pathLength: 0 } }],
      ["another issuer's name", "CHAIN_UNTRUSTED", { enclave: { issuer: "another" } }],
      ["another issuer's key identifier", "CHAIN_UNTRUSTED", { instance: { authorityKeyId: Buffer.alloc(20) } }],
      ["an empty key identifier", "CHAIN_UNTRUSTED", { instance: { authorityKeyId: Buffer.of() } }],
      [
        "a key identifier where the issuer has none",
        "CHAIN_UNTRUSTED",
        {
          instance: { standardExtensions: [constraints(bool(true), int(0)), usage(2, 0b0000_0100)] },
          enclave: { standardExtensions: [constraints(), usage(7, 0b1000_0000), keyId(1)] },
        },
      ],
      [
        "another authority's signature",
        "SIGNATURE_INVALID",
        { enclave: { issuerKeys: createKeys("P-384"), standardExtensions: [constraints(), usage(7, 0b1000_0000)] } },
      ],
      ["SHA-256 under P-384", "CHAIN_UNTRUSTED", { enclave: { algorithm: ECDSA_SHA256 } }],
      [
        "an unknown critical extension",
        "EVIDENCE_UNSUPPORTED",
        { enclave: { extensions: [extension("1.2.3", true, octets(Buffer.of()))] } },
      ],
    ];
    for (const [what, code, parts] of refusals) {
      it(`refuses ${what}`, async () => {
        const chain = nitroChain(parts);
        await expectRefusal(code, () => claimsOf(nitroDocument(chain), { chain }));
      });
    }

    it("accepts certificates without key identifiers, as instances and enclaves have them", async () => {
      const chain = nitroChain({
        instance: { standardExtensions: [constraints(bool(true), int(0)), usage(2, 0b0000_0100)] },
        enclave: { standardExtensions: [constraints(), usage(6, 0b1100_0000)] },
      });
      expect((await claimsOf(nitroDocument(chain), { chain })).platform).to.equal("aws-nitro");
    });

    const [root, region, instance] = CHAIN.cabundle as [Buffer, Buffer, Buffer];
    const bundles: Readonly<Record<string, readonly Buffer[]>> = {
      "without its root": [region, instance],
      "leaf first": [instance, region, root],
      "with a certificate left out": [root, instance],
      "with a certificate twice": [root, region, region, instance],
      "longer than any of AWS": [...Array<Buffer>(8).fill(root), region, instance],
    };
    for (const [what, cabundle] of Object.entries(bundles)) {
      it(`refuses a bundle ${what}`, () => expectRefusal("CHAIN_UNTRUSTED", () => claimsOf(withFields({ cabundle }))));
    }

    it("refuses a chain of the same names under another root", async () => {
      const keys = createKeys("P-384");
      const other = nitroChain({ root: { keys, issuerKeys: keys }, region: { issuerKeys: keys } });
      await expectRefusal("CHAIN_UNTRUSTED", () => claimsOf(nitroDocument(other)));
      expect((await claimsOf(nitroDocument(other), { chain: other })).platform).to.equal("aws-nitro");
    });
  });

  it("hold as long as every certificate does, to the second", async () => {
    const [from, to] = [NOW - 120 * SECOND, NOW + 178 * 60 * SECOND];
    for (const now of [from, to]) expect((await claimsOf(withFields(), { now })).validUntil).to.equal(to);
    for (const now of [from - 1, to + 1, to + HOUR]) {
      await expectRefusal("CERTIFICATE_EXPIRED", () => claimsOf(withFields(), { now }));
    }
  });

  it("carry the nonce that is expected, if one is", async () => {
    const expectedNonce = Buffer.from("nonce");
    expect((await claimsOf(withFields(), { expectedNonce })).platform).to.equal("aws-nitro");
    for (const nonce of [null, Buffer.from("other"), Buffer.from("nonc")]) {
      await expectRefusal("BINDING_MISMATCH", () => claimsOf(withFields({ nonce }), { expectedNonce }));
    }
  });
});
