import { expect } from "chai";
import { generateKeyPairSync } from "node:crypto";
import { keccak256 } from "#crypto";
import type { CborValue } from "../../../offchain/cose/cbor.ts";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { ccaClaims } from "../../../offchain/evidence/arm-cca/claims.ts";
import { lifecycleState } from "../../../offchain/evidence/arm-cca/lifecycle.ts";
import { parseToken } from "../../../offchain/evidence/arm-cca/token.ts";
import { verifyToken } from "../../../offchain/evidence/arm-cca/verify.ts";
import { CheckLog } from "../../../offchain/evidence/check-log.ts";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import { trustRootOfPlatformKey } from "../../../offchain/verifier/trust-roots.ts";
import {
  ccaToken,
  CHALLENGE,
  collection,
  coseKey,
  PLATFORM_KEY,
  PLATFORM_KEYS,
  PLATFORM_ROOT,
  pemOf,
  rawKey,
  REALM_KEYS,
  type HalfParts,
  type TokenParts,
} from "../../support/arm-cca.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys, NOW } from "../../support/pki.ts";
import { preferredCbor } from "../../support/preferred-cbor.ts";

const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const fill = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const P256 = createKeys("P-256");
const P521 = generateKeyPairSync("ec", { namedCurve: "P-521" });

interface Trusting {
  readonly platformKey?: Uint8Array;
  readonly trustRoots?: readonly (typeof PLATFORM_ROOT)[];
}

async function claimsOf(token: Uint8Array, { platformKey = PLATFORM_KEY, trustRoots }: Trusting = {}): Promise<Claims> {
  const context = { endorsements: { platformKey }, trustRoots: trustRoots ?? [PLATFORM_ROOT], now: NOW };
  return ccaClaims(await verifyToken(parseToken(token), { ...context, log: new CheckLog() }));
}

const platform = (claims: HalfParts["claims"] = {}, parts: TokenParts = {}): Uint8Array =>
  ccaToken({ ...parts, platform: { claims } });
const realm = (claims: HalfParts["claims"] = {}, parts: TokenParts = {}): Uint8Array =>
  ccaToken({ ...parts, realm: { claims } });
const component = (members: readonly (readonly [number, CborValue])[]): Uint8Array =>
  platform({ 2399: [new Map<CborValue, CborValue>([[2, fill(32, 1)], [5, fill(32, 2)], ...members])] });

describe("Arm CCA tokens", () => {
  describe("claims", () => {
    it("name the realm's measurements, the workload, the platform and the token's facts", async () => {
      const token = ccaToken();
      const claims = await claimsOf(token);
      expect(claims).to.include({ platform: "arm-cca", simulated: true, debug: false, reportData: hex(CHALLENGE) });
      expect(claims.root).to.deep.equal({ name: "test platform", spkiSha256: PLATFORM_ROOT.spkiSha256 });
      expect(claims.measurements).to.deep.equal({
        rim: hex(fill(32, 10)),
        rem0: hex(fill(32, 11)),
        rem1: hex(fill(32, 12)),
        rem2: hex(fill(32, 13)),
        rem3: hex(fill(32, 14)),
        rpv: hex(fill(64, 7)),
        swComponent0: hex(fill(32, 3)),
        swComponent1: hex(fill(32, 5)),
      });
      const measured = [fill(64, 7), ...[10, 11, 12, 13, 14].map((value) => fill(32, value))];
      expect(claims.workloadId).to.equal(hex(keccak256(Uint8Array.of(5), ...measured)));
      expect(claims.platformId).to.equal(hex(keccak256(Uint8Array.of(1), fill(32, 2))));
      expect(claims.evidenceHash).to.equal(hex(keccak256(token)));
      expect(new Date(claims.validUntil).toISOString()).to.equal("9999-12-31T23:59:59.000Z");
      const { platformNonce, ...details } = claims.details;
      expect(platformNonce).to.match(/^[0-9a-f]{128}$/);
      expect(details).to.deep.equal({
        platformProfile: "tag:arm.com,2023:cca_platform#1.0.0",
        realmProfile: "tag:arm.com,2023:realm#1.0.0",
        platformAlg: -35,
        realmAlg: -35,
        implementationId: hex(fill(32, 1)),
        instanceId: `01${hex(fill(32, 2))}`,
        platformConfig: "010203",
        lifecycle: 0x3000,
        lifecycleState: "secured",
        platformHashAlg: "sha-256",
        hashAlg: "sha-256",
        rakHashAlg: "sha-512",
        verificationService: "https://verifier.example/",
        swComponent0Type: "RMM",
        swComponent0Version: "1.0",
        swComponent0Signer: hex(fill(32, 4)),
        swComponent1Signer: hex(fill(32, 6)),
      });
    });

    it("are the same under the first profile but for the profiles and the form of the key", async () => {
      const [first, draft] = [await claimsOf(ccaToken({ profile: "first" })), await claimsOf(ccaToken())];
      expect(first.details["platformProfile"]).to.equal("http://arm.com/CCA-SSD/1.0.0");
      expect(first.details).to.not.have.property("realmProfile");
      expect({ ...first, details: {}, evidenceHash: "" }).to.deep.equal({ ...draft, details: {}, evidenceHash: "" });
    });

    it("make another workload of every other measurement, and none of the platform", async () => {
      const { workloadId } = await claimsOf(ccaToken());
      const registers = [11, 12, 13, 15].map((value) => fill(32, value));
      for (const other of [{ 44235: fill(64, 8) }, { 44238: fill(32, 1) }, { 44239: registers }]) {
        expect((await claimsOf(realm(other))).workloadId).to.not.equal(workloadId);
      }
      const elsewhere = await claimsOf(platform({ 256: concat(Uint8Array.of(1), fill(32, 9)), 2396: fill(32, 9) }));
      expect(elsewhere.workloadId).to.equal(workloadId);
      expect(elsewhere.platformId).to.not.equal((await claimsOf(ccaToken())).platformId);
    });

    it("tell the lifecycle's states apart, with the debug states as debug", async () => {
      const states: readonly [number, string, boolean][] = [
        [0x0000, "unknown", false],
        [0x1000, "assembly and test", false],
        [0x20ff, "root of trust provisioning", false],
        [0x3003, "secured", false],
        [0x30ff, "secured", false],
        [0x3100, "unknown", false],
        [0x4001, "debug outside the root of trust", true],
        [0x5000, "recoverable debug of the root of trust", true],
        [0x6000, "decommissioned", false],
        [0x7000, "unknown", false],
        [0xffff, "unknown", false],
      ];
      for (const [lifecycle, state, debug] of states) {
        expect(lifecycleState(lifecycle)).to.equal(state);
        const claims = await claimsOf(platform({ 2395: lifecycle }));
        expect([claims.details["lifecycleState"], claims.debug]).to.deep.equal([state, debug]);
      }
    });
  });

  describe("that are accepted", () => {
    const accepted: Readonly<Record<string, () => Uint8Array>> = {
      "a claim that nobody knows, in either half": () =>
        ccaToken({ platform: { claims: { 70000: 1 } }, realm: { claims: { 70000: "x" } } }),
      "no verification service": () => platform({ 2400: undefined }),
      "an empty configuration": () => platform({ 2401: new Uint8Array() }),
      "the longest configuration": () => platform({ 2401: fill(4096, 1) }),
      "a realm key on P-256": () => ccaToken({ realmKeys: P256 }),
      "SHA-256 of the realm's key": () => realm({ 44240: "sha-256" }),
      "measurements of 64 bytes": () => realm({ 44238: fill(64, 1), 44239: [1, 2, 3, 4].map(() => fill(64, 2)) }),
      "a further protected header": () =>
        ccaToken({ platform: { protectedBytes: Uint8Array.of(0xa2, 0x01, 0x38, 0x22, 0x03, 0x00) } }),
    };
    for (const [what, token] of Object.entries(accepted)) {
      it(`have ${what}`, async () => expect((await claimsOf(token())).platform).to.equal("arm-cca"));
    }

    it("are signed by a platform key on P-256 as well", async () => {
      const platformKey = pemOf(P256);
      const trustRoots = [trustRootOfPlatformKey(platformKey, "P-256", true)];
      const claims = await claimsOf(ccaToken({ platform: { signer: P256 } }), { platformKey, trustRoots });
      expect(claims.details).to.include({ platformAlg: -7, realmAlg: -35 });
    });
  });

  describe("malformed", () => {
    const wrong: Record<string, () => Uint8Array> = {
      "no tag": () => ccaToken().subarray(3),
      "another tag": () => concat(Uint8Array.of(0xd9, 0x01, 0x90), ccaToken().subarray(3)),
      "the tag twice": () => concat(ccaToken().subarray(0, 3), ccaToken()),
      "a byte after it": () => concat(ccaToken(), Uint8Array.of(0)),
      "a list of the halves": () => collection([fill(4, 1), fill(4, 1)]),
      "no realm token": () => collection(new Map([[44234, halves()[0]]])),
      "no platform token": () => collection(new Map([[44241, halves()[1]]])),
      "a third token": () => collection(new Map([...halvesMap(), [1, fill(1, 1)]])),
      "a half that is no byte string": () => collection(new Map<CborValue, CborValue>([...halvesMap(), [44241, "x"]])),
      "a half without tag 18": () => ccaToken({ realm: { tag: new Uint8Array() } }),
      "a half with tag 18 twice": () => ccaToken({ platform: { tag: Uint8Array.of(0xd2, 0xd2) } }),
      "a half that stands twice": () => duplicated(),
      "a length that is not minimal": () => widened(),
      "more than 64 KiB": () => realm({ 70000: fill(70_000, 1) }),
      "a platform payload that is no map": () => ccaToken({ platform: { payload: preferredCbor([1]) } }),
      "a realm payload that is no map": () => ccaToken({ realm: { payload: Uint8Array.of(0x40) } }),
      "an empty payload": () => ccaToken({ platform: { payload: new Uint8Array() } }),
      "a payload with a key twice": () => ccaToken({ platform: { payload: Uint8Array.of(0xa2, 1, 1, 1, 1) } }),
      "a payload of indefinite length": () => ccaToken({ realm: { payload: Uint8Array.of(0xbf, 1, 1, 0xff) } }),
      "a payload too deep": () =>
        ccaToken({ realm: { payload: concat(Uint8Array.of(0xa1, 1), fill(20, 0x81), Uint8Array.of(1)) } }),
      "an extensible measurement of another length": () => realm({ 44239: [32, 32, 32, 48].map((n) => fill(n, 1)) }),
      "three extensible measurements": () => realm({ 44239: [1, 2, 3].map(() => fill(32, 1)) }),
      "five extensible measurements": () => realm({ 44239: [1, 2, 3, 4, 5].map(() => fill(32, 1)) }),
      "an instance id that is no random UEID": () => platform({ 256: fill(33, 2) }),
      "a lifecycle above 16 bits": () => platform({ 2395: 0x10000 }),
      "a negative lifecycle": () => platform({ 2395: -1 }),
      "no component": () => platform({ 2399: [] }),
      "33 components": () => platform({ 2399: Array.from({ length: 33 }, () => new Map<CborValue, CborValue>()) }),
      "a component that is no map": () => platform({ 2399: [1] }),
      "a component without a measurement": () => platform({ 2399: [new Map([[5, fill(32, 1)]])] }),
      "a component without a signer": () => platform({ 2399: [new Map([[2, fill(32, 1)]])] }),
      "a component's type in bytes": () => component([[1, fill(3, 1)]]),
      "a component's version as a number": () => component([[4, 1]]),
      "a component's hash as a number": () => component([[6, 1]]),
      "a raw key under the draft's profile": () => realm({ 44237: rawKey(REALM_KEYS) }),
      "a COSE_Key under the first profile": () => realm({ 44237: coseKey(REALM_KEYS) }, { profile: "first" }),
      "a raw key on P-256": () => realm({ 44237: rawKey(P256) }, { profile: "first" }),
      "a compressed raw key": () => realm({ 44237: concat(Uint8Array.of(2), fill(96, 1)) }, { profile: "first" }),
      "a text that is too long": () => platform({ 2400: "x".repeat(513) }),
    };
    const digests = [0, 31, 33, 47, 65];
    const lengths: readonly ["platform" | "realm", number, readonly number[]][] = [
      ["platform", 10, digests],
      ["platform", 2396, [0, 31, 33]],
      ["platform", 256, [0, 32, 34]],
      ["platform", 2401, [4097]],
      ["realm", 10, [0, 32, 63, 65]],
      ["realm", 44235, [0, 63, 65]],
      ["realm", 44238, digests],
      ["realm", 44237, [0]],
    ];
    for (const [side, key, wrongLengths] of lengths) {
      for (const length of wrongLengths) {
        wrong[`${side} claim ${key} of ${length} bytes`] = () =>
          ccaToken({ [side]: { claims: { [key]: fill(length, 1) } } });
      }
    }
    const required = {
      platform: [265, 10, 2396, 256, 2401, 2395, 2399, 2402],
      realm: [10, 44235, 44236, 44237, 44238, 44239, 44240],
    };
    for (const [side, keys] of Object.entries(required)) {
      for (const key of keys) {
        for (const [what, value] of [
          ["missing", undefined],
          ["null", null],
          ["false", false],
          ["of another type", new Map()],
        ] as const) {
          wrong[`${side} claim ${key} ${what}`] = () => ccaToken({ [side]: { claims: { [key]: value } } });
        }
      }
    }
    // Without its profile a realm's key must be raw, which the draft's is not.
    wrong["no realm profile beside a COSE_Key"] = () => realm({ 265: undefined });
    for (const [what, token] of Object.entries(wrong)) {
      it(`are refused with ${what}`, () => expectRefusal("EVIDENCE_MALFORMED", () => parseToken(token())));
    }

    it("are refused at every length but the whole", async () => {
      const whole = ccaToken();
      for (let length = 0; length < whole.length; length += 1) {
        await expectRefusal("EVIDENCE_MALFORMED", () => parseToken(whole.subarray(0, length)));
      }
    });
  });

  describe("not supported", () => {
    const unknown: Readonly<Record<string, () => Uint8Array>> = {
      "the halves under each other's keys": () =>
        collection(
          new Map([
            [44234, halves()[1]],
            [44241, halves()[0]],
          ] as [number, Uint8Array][]),
        ),
      "another platform profile": () => platform({ 265: "tag:psacertified.org,2023:psa#tfm" }),
      "another realm profile": () => realm({ 265: "tag:arm.com,2023:realm#2.0.0" }),
      "another hash of the platform": () => platform({ 2402: "sha-1" }),
      "another hash of the realm": () => realm({ 44236: "md5" }),
      "another hash of the realm's key": () => realm({ 44240: "sha3-256" }),
      "another hash of a component": () => component([[6, "SHA-256"]]),
      "a realm key on P-521": () => realm({ 44237: coseKey(P521) }),
      "a critical header": () =>
        ccaToken({ realm: { protectedBytes: Uint8Array.of(0xa2, 1, 0x38, 0x22, 2, 0x81, 4) } }),
    };
    for (const [what, token] of Object.entries(unknown)) {
      it(`are refused with ${what}`, () => expectRefusal("EVIDENCE_UNSUPPORTED", () => parseToken(token())));
    }
  });

  describe("not signed as they must be", () => {
    const kid = new Map<CborValue, CborValue>([[4, utf8("key")]]);
    const header = (...bytes: number[]): HalfParts => ({ protectedBytes: Uint8Array.from(bytes) });
    const refusals: readonly [string, ErrorCode, () => Uint8Array][] = [
      ["another platform key", "SIGNATURE_INVALID", () => ccaToken({ platform: { signer: createKeys("P-384") } })],
      ["a platform key of another curve", "SIGNATURE_INVALID", () => ccaToken({ platform: { signer: P256 } })],
      ["another realm key", "SIGNATURE_INVALID", () => ccaToken({ realm: { signer: createKeys("P-384") } })],
      ["a realm signer of another curve", "SIGNATURE_INVALID", () => ccaToken({ realm: { signer: P256 } })],
      ["the platform key's realm signature", "SIGNATURE_INVALID", () => ccaToken({ realm: { signer: PLATFORM_KEYS } })],
      [
        "ES512 named by the platform",
        "EVIDENCE_UNSUPPORTED",
        () => ccaToken({ platform: header(0xa1, 1, 0x38, 0x23) }),
      ],
      ["no algorithm named by the realm", "EVIDENCE_UNSUPPORTED", () => ccaToken({ realm: header(0xa0) })],
      ["an empty protected header", "EVIDENCE_UNSUPPORTED", () => ccaToken({ platform: header() })],
      ["an unprotected platform header", "EVIDENCE_UNSUPPORTED", () => ccaToken({ platform: { unprotected: kid } })],
      ["an unprotected realm header", "EVIDENCE_UNSUPPORTED", () => ccaToken({ realm: { unprotected: kid } })],
      [
        "a realm key off its curve",
        "EVIDENCE_MALFORMED",
        () => realm({ 44237: concat(Uint8Array.of(4), fill(96, 1)) }, { profile: "first" }),
      ],
    ];
    for (const [what, code, token] of refusals) {
      it(`are refused with ${what}`, () => expectRefusal(code, () => claimsOf(token())));
    }
  });

  describe("whose halves are not bound", () => {
    const attacker = createKeys("P-384");
    const key = coseKey(REALM_KEYS);
    const refusals: Readonly<Record<string, () => Uint8Array>> = {
      "the realm of another key, signed by it": () => spliced({}, { realmKeys: attacker }),
      "a challenge of zeros": () => platform({ 10: fill(64, 0) }),
      "the hash by another algorithm": () => spliced({ realm: { claims: { 44240: "sha-256" } } }, {}),
      "a challenge cut short": () => spliced({}, { realm: { claims: { 44240: "sha-384" } } }),
      "the hash of the raw point": () => spliced({ profile: "first" }, {}),
      "the same key written otherwise": () =>
        spliced({}, { realm: { claims: { 44237: coseKey(REALM_KEYS, { 2: key.subarray(0, 4) }) } } }),
    };
    for (const [what, token] of Object.entries(refusals)) {
      it(`are refused with ${what}`, () => expectRefusal("BINDING_MISMATCH", () => claimsOf(token())));
    }
  });
});

/** The two byte strings of a token. */
function halves(parts: TokenParts = {}): [Uint8Array, Uint8Array] {
  const { platform: first, realm: second } = parseToken(ccaToken(parts));
  const messageOf = ({ message }: typeof first | typeof second): Uint8Array =>
    concat(
      Uint8Array.of(0xd2),
      preferredCbor([message.protectedBytes, message.unprotectedHeaders, message.payload, message.signature]),
    );
  return [messageOf(first), messageOf(second)];
}

function halvesMap(): [number, Uint8Array][] {
  const [first, second] = halves();
  return [
    [44234, first],
    [44241, second],
  ];
}

/** The platform token of one token with the realm token of another. */
function spliced(first: TokenParts, second: TokenParts): Uint8Array {
  return collection(
    new Map([
      [44234, halves(first)[0]],
      [44241, halves(second)[1]],
    ]),
  );
}

/** A map of two that has the realm token twice. */
function duplicated(): Uint8Array {
  const entry = concat(preferredCbor(44241), preferredCbor(halves()[1]));
  return concat(Uint8Array.of(0xd9, 0x01, 0x8f, 0xa2), entry, entry);
}

/** The map's size in two bytes where one does. */
function widened(): Uint8Array {
  const token = ccaToken();
  return concat(token.subarray(0, 3), Uint8Array.of(0xb8, 2), token.subarray(4));
}
