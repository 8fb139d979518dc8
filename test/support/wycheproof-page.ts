import { aesGcmOpen, aesGcmSeal, agreeX25519, importSpki, verifyEcdsa, verifyRsaPss } from "#crypto";
import type { HashName } from "../../offchain/crypto/face.ts";
import { equal, isZero, parseHex } from "../../offchain/encoding/bytes.ts";

/** One of Wycheproof's cases. */
export interface WycheproofCase {
  readonly tcId: number;
  readonly comment: string;
  readonly result: string;
}

export interface SignatureCase extends WycheproofCase {
  readonly msg: string;
  readonly sig: string;
}

export interface AgreementCase extends WycheproofCase {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

export interface EncryptionCase extends WycheproofCase {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

export interface SignatureGroup {
  readonly scheme: "ecdsa" | "rsa-pss";
  readonly hash: HashName;
  readonly publicKeyDer: string;
  readonly tests: readonly SignatureCase[];
}

/** Runs cases of signatures in whatever runtime this is bundled for; gives for each whether it came out as expected. */
export async function signaturesAgree({ scheme, hash, publicKeyDer, tests }: SignatureGroup): Promise<boolean[]> {
  const key = await importSpki(unhex(publicKeyDer));
  const verify = scheme === "ecdsa" ? verifyEcdsa : verifyRsaPss;
  return Promise.all(
    tests.map(
      async ({ msg, sig, result }) => (await verify(hash, key, unhex(msg), unhex(sig))) === (result === "valid"),
    ),
  );
}

/** The same for X25519, whose private keys are imported by `keyOf`. */
export async function agreementsAgree(
  tests: readonly AgreementCase[],
  keyOf: (privateBytes: Uint8Array) => Promise<Parameters<typeof agreeX25519>[0]>,
): Promise<boolean[]> {
  return Promise.all(
    tests.map(async (test) => {
      const secret = await agreeX25519(await keyOf(unhex(test.private)), unhex(test.public));
      const expected = unhex(test.shared);
      return isZero(expected) ? secret === undefined : secret !== undefined && equal(secret, expected);
    }),
  );
}

/** The same for AES-GCM. */
export async function encryptionsAgree(tests: readonly EncryptionCase[]): Promise<boolean[]> {
  return Promise.all(
    tests.map(async (test) => {
      const [key, nonce, aad, text] = [unhex(test.key), unhex(test.iv), unhex(test.aad), unhex(test.msg)];
      const sealed = unhex(test.ct + test.tag);
      const opened = await aesGcmOpen(key, nonce, sealed, aad);
      if (test.result !== "valid") return opened === undefined;
      return opened !== undefined && equal(opened, text) && equal(await aesGcmSeal(key, nonce, text, aad), sealed);
    }),
  );
}

function unhex(digits: string): Uint8Array {
  const bytes = parseHex(`0x${digits}`);
  if (bytes === undefined) throw new TypeError("a case is not in hex");
  return bytes;
}
