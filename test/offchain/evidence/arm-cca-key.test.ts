import { expect } from "chai";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { ccaClaims } from "../../../offchain/evidence/arm-cca/claims.ts";
import { parsePlatformKey } from "../../../offchain/evidence/arm-cca/platform-key.ts";
import { parseToken } from "../../../offchain/evidence/arm-cca/token.ts";
import { verifyToken } from "../../../offchain/evidence/arm-cca/verify.ts";
import { CheckLog } from "../../../offchain/evidence/check-log.ts";
import type { TrustRoot } from "../../../offchain/evidence/scheme.ts";
import { trustRootOfPlatformKey } from "../../../offchain/verifier/trust-roots.ts";
import {
  ccaToken,
  coseKey,
  PLATFORM_KEY,
  PLATFORM_KEYS,
  PLATFORM_ROOT,
  pemOf,
  type Signer,
} from "../../support/arm-cca.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys, createRsaKeys, NOW } from "../../support/pki.ts";

const TOKEN = parseToken(ccaToken());
const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const P256 = createKeys("P-256");
const P521 = generateKeyPairSync("ec", { namedCurve: "P-521" });

async function rootOf(platformKey: Uint8Array, trustRoots: readonly TrustRoot[] = [PLATFORM_ROOT]): Promise<string> {
  const context = { endorsements: { platformKey }, trustRoots, now: NOW, log: new CheckLog() };
  return ccaClaims(await verifyToken(TOKEN, context)).root.name;
}

describe("Arm CCA platform keys", () => {
  const jwkOf = ({ privateKey }: Signer, more: object = {}): Uint8Array =>
    utf8(JSON.stringify({ ...createPublicKey(privateKey).export({ format: "jwk" }), ...more }));
  const { spki } = PLATFORM_KEYS;

  it("are the same key in PEM, DER, JWK and COSE_Key", async () => {
    for (const platformKey of [PLATFORM_KEY, new Uint8Array(spki), jwkOf(PLATFORM_KEYS), coseKey(PLATFORM_KEYS)]) {
      expect(hex(parsePlatformKey(platformKey).spki)).to.equal(hex(spki));
      expect(await rootOf(platformKey)).to.equal("test platform");
    }
  });

  it("are not trusted because they signed", async () => {
    const others = [trustRootOfPlatformKey(pemOf(P256), "another", true)];
    for (const trustRoots of [[], others]) {
      await expectRefusal("CHAIN_UNTRUSTED", () => rootOf(PLATFORM_KEY, trustRoots));
    }
  });

  it("are not the evidence's fault where they cannot be read", async () => {
    const wrong: Readonly<Record<string, Uint8Array>> = {
      nothing: new Uint8Array(),
      text: utf8("key"),
      "a cut PEM": PLATFORM_KEY.subarray(0, 80),
      "two keys": concat(PLATFORM_KEY, PLATFORM_KEY),
      "a private JWK": jwkOf(PLATFORM_KEYS, { d: "AA" }),
      "a JWK of another curve": jwkOf(P521),
      "a JWK with a short x": jwkOf(PLATFORM_KEYS, { x: "AA" }),
      "no JSON": utf8("{"),
      "an RSA key": new Uint8Array(createRsaKeys().spki),
      "a key on P-521": pemOf(P521),
      "a DER key with a byte after it": concat(new Uint8Array(spki), Uint8Array.of(0)),
      "a certificate's label": utf8(Buffer.from(PLATFORM_KEY).toString().replaceAll("PUBLIC KEY", "CERTIFICATE")),
    };
    for (const [what, platformKey] of Object.entries(wrong)) {
      const log = new CheckLog();
      const context = { endorsements: { platformKey }, trustRoots: [PLATFORM_ROOT], now: NOW, log };
      await expectRefusal("ENDORSEMENT_INVALID", () => verifyToken(TOKEN, context));
      const found = log.checks.map(({ id, outcome }) => `${id} ${outcome}`);
      expect(found, what).to.include.members(["platform-key fail", "platform-signature none", "realm-binding pass"]);
    }
  });
});
