import { expect } from "chai";
import { bytesToUint, concat, isZero } from "../../../offchain/encoding/bytes.ts";
import type { CurveName, HashName, MaybePromise } from "../../../offchain/crypto/face.ts";
import { BACKS } from "../../support/crypto-backs.ts";
import type { AnyBack } from "../../support/crypto-backs.ts";
import { pkcs8Of, sealingKeyOf, unhex } from "../../support/sealing.ts";
import { describeVectors, readVectors } from "../../support/vectors.ts";

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
}

interface Group<Test> {
  readonly tests: readonly (Case & Test)[];
}

interface Signature {
  readonly msg: string;
  readonly sig: string;
}

interface SignatureGroup extends Group<Signature> {
  readonly publicKeyDer: string;
  readonly publicKey: { readonly uncompressed: string };
}

function groupsOf(file: string): readonly unknown[] {
  return (readVectors(`wycheproof/${file}`) as { testGroups: readonly unknown[] }).testGroups;
}

/** The cases on which the outcome is not the expected one, so that a failure names all of them. */
async function disagreements<Test>(
  tests: readonly (Case & Test)[],
  agrees: (test: Case & Test) => Promise<boolean> | boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const test of tests) if (!(await agrees(test))) found.push(`${test.tcId} ${test.comment} (${test.result})`);
  return found;
}

for (const [name, back] of BACKS) {
  const title = `crypto/${name}: Wycheproof`;
  const signatures = ["wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"];
  describeVectors(`${title} signatures`, signatures, () => testSignatures(back));
  describeVectors(`${title} key agreement and encryption`, ["wycheproof/x25519_test.json"], () =>
    testAgreementAndEncryption(name, back),
  );
}

function testSignatures({ importEcPoint, importSpki, keccak256, ...back }: AnyBack): void {
  const { recoverAddress, sha256, verifyEcdsa, verifyRsaPss } = back;
  const curves: readonly (readonly [file: string, hash: HashName, curve: CurveName | undefined])[] = [
    ["ecdsa_secp256r1_sha256_p1363_test.json", "sha256", "P-256"],
    ["ecdsa_secp384r1_sha384_p1363_test.json", "sha384", "P-384"],
    ["ecdsa_secp256k1_sha256_p1363_test.json", "sha256", undefined],
  ];
  for (const [file, hash, curve] of curves) {
    it(`verifyEcdsa agrees with every case of ${file}`, async () => {
      const groups = groupsOf(file) as readonly SignatureGroup[];
      for (const { tests, publicKeyDer, publicKey } of groups) {
        const keys = [await importSpki(unhex(publicKeyDer))];
        if (curve !== undefined) keys.push(await importEcPoint(curve, unhex(publicKey.uncompressed).subarray(1)));
        for (const key of keys) {
          const agrees = async ({ msg, sig, result }: Case & Signature): Promise<boolean> =>
            (await verifyEcdsa(hash, key, unhex(msg), unhex(sig))) === (result === "valid");
          expect(await disagreements(tests, agrees)).to.deep.equal([]);
        }
      }
    });
  }

  it("recoverAddress finds the signer of every low-s case whose r is an x coordinate, and of no other", async () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const field = 2n ** 256n - 2n ** 32n - 977n;
    const groups = groupsOf("ecdsa_secp256k1_sha256_p1363_test.json") as readonly SignatureGroup[];
    let recovered = 0;
    for (const { tests, publicKey } of groups) {
      const signer = keccak256(unhex(publicKey.uncompressed).subarray(1)).slice(12);
      const agrees = ({ msg, sig, result }: Case & Signature): boolean => {
        const bytes = unhex(sig);
        const low = bytes.length === 64 && 2n * bytesToUint(bytes.subarray(32)) < order;
        const found = [27, 28].some((v) => {
          const address = recoverAddress(sha256(unhex(msg)), concat(bytes, Uint8Array.of(v)));
          return address !== undefined && Buffer.compare(address, signer) === 0;
        });
        recovered += found ? 1 : 0;
        // An x coordinate that was reduced by the order needs recovery id 2 or 3, which Ethereum does not know.
        const reduced = bytesToUint(bytes.subarray(0, 32)) < field - order;
        return found ? result === "valid" && low : result !== "valid" || !low || reduced;
      };
      expect(await disagreements(tests, agrees)).to.deep.equal([]);
    }
    expect(recovered).to.be.greaterThan(50);
  });

  it("verifyRsaPss agrees with every case of rsa_pss_4096_sha384_mgf1_48_test.json", async () => {
    const groups = groupsOf("rsa_pss_4096_sha384_mgf1_48_test.json") as readonly SignatureGroup[];
    for (const { tests, publicKeyDer } of groups) {
      const key = await importSpki(unhex(publicKeyDer));
      const agrees = async ({ msg, sig, result }: Case & Signature): Promise<boolean> =>
        (await verifyRsaPss("sha384", key, unhex(msg), unhex(sig))) === (result === "valid");
      expect(await disagreements(tests, agrees)).to.deep.equal([]);
    }
  });
}

function testAgreementAndEncryption(name: string, back: AnyBack): void {
  const { aesGcmOpen, aesGcmSeal, agreeX25519, hkdfSha256, hmacSha256 } = back;
  const agreementKeyOf = (privateBytes: Uint8Array): MaybePromise<object> =>
    name === "node"
      ? sealingKeyOf(privateBytes, new Uint8Array(32)).privateKey
      : crypto.subtle.importKey("pkcs8", pkcs8Of(privateBytes), "X25519", false, ["deriveBits"]);

  it("agreeX25519 agrees with every case, and refuses every secret of zeros", async () => {
    interface Agreement {
      readonly public: string;
      readonly private: string;
      readonly shared: string;
    }
    for (const { tests } of groupsOf("x25519_test.json") as readonly Group<Agreement>[]) {
      const agrees = async (test: Case & Agreement): Promise<boolean> => {
        const secret = await agreeX25519(await agreementKeyOf(unhex(test.private)), unhex(test.public));
        const expected = unhex(test.shared);
        if (isZero(expected)) return secret === undefined;
        return secret !== undefined && Buffer.compare(secret, expected) === 0;
      };
      expect(await disagreements(tests, agrees)).to.deep.equal([]);
    }
  });

  it("aesGcmSeal and aesGcmOpen agree with every case of a 12-byte nonce, and refuse other nonces", async () => {
    interface Encryption {
      readonly key: string;
      readonly iv: string;
      readonly aad: string;
      readonly msg: string;
      readonly ct: string;
      readonly tag: string;
    }
    for (const { tests } of groupsOf("aes_gcm_test.json") as readonly Group<Encryption>[]) {
      const agrees = async (test: Case & Encryption): Promise<boolean> => {
        const [key, nonce, aad] = [unhex(test.key), unhex(test.iv), unhex(test.aad)];
        const sealed = unhex(test.ct + test.tag);
        if (nonce.length !== 12) {
          expect(() => aesGcmSeal(key, nonce, unhex(test.msg), aad)).to.throw(RangeError);
          expect(() => aesGcmOpen(key, nonce, sealed, aad)).to.throw(RangeError);
          return true;
        }
        const opened = await aesGcmOpen(key, nonce, sealed, aad);
        if (test.result !== "valid") return opened === undefined;
        const made = await aesGcmSeal(key, nonce, unhex(test.msg), aad);
        return (
          opened !== undefined && Buffer.compare(opened, unhex(test.msg)) === 0 && Buffer.compare(made, sealed) === 0
        );
      };
      expect(await disagreements(tests, agrees)).to.deep.equal([]);
    }
  });

  it("hkdfSha256, and HKDF made of hmacSha256, agree with every case", async () => {
    interface Derivation {
      readonly ikm: string;
      readonly salt: string;
      readonly info: string;
      readonly size: number;
      readonly okm: string;
    }
    for (const { tests } of groupsOf("hkdf_sha256_test.json") as readonly Group<Derivation>[]) {
      const agrees = (test: Case & Derivation): boolean => {
        const [ikm, salt, info] = [unhex(test.ikm), unhex(test.salt), unhex(test.info)];
        const derive = (): Uint8Array => hkdfSha256({ ikm, salt, info, length: test.size });
        if (test.result !== "valid") {
          expect(derive).to.throw(RangeError);
          return true;
        }
        const firstBlock = hmacSha256(hmacSha256(salt, ikm), info, Uint8Array.of(1)).subarray(0, test.size);
        const okm = unhex(test.okm);
        return Buffer.compare(derive(), okm) === 0 && Buffer.compare(firstBlock, okm.subarray(0, 32)) === 0;
      };
      expect(await disagreements(tests, agrees)).to.deep.equal([]);
    }
  });
}
