import { createPrivateKey } from "node:crypto";
import { concat } from "../../offchain/encoding/bytes.ts";
import type { SealingKey } from "../../offchain/sealing/hpke.ts";

/** The DER of an X25519 PKCS #8 private key up to its 32 key bytes. @see RFC 8410 section 7 */
const PKCS8_HEAD = Buffer.from("302e020100300506032b656e04220420", "hex");

export function unhex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** The PKCS #8 of a raw X25519 private key. */
export function pkcs8Of(privateBytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(concat(PKCS8_HEAD, privateBytes));
}

/** A sealing key out of the raw private and public bytes of a test vector. */
export function sealingKeyOf(privateBytes: Uint8Array, publicKey: Uint8Array): SealingKey {
  const key = Buffer.from(pkcs8Of(privateBytes));
  return { publicKey, privateKey: createPrivateKey({ key, format: "der", type: "pkcs8" }) };
}
