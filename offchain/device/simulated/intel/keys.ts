/** P-256 keys of the simulated vendor, all derived from its seed so that one state file holds them. */
import { createECDH, createPrivateKey, createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { hkdfSha256, sha256 } from "#crypto";
import { concat, isZero, toHex, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { bytesOf } from "../state.ts";

const ORDER = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");

/** The private scalar (32 bytes) of a name under a seed. */
export function deriveScalar(seed: Hex, name: string): Hex {
  const ikm = bytesOf(seed);
  for (let attempt = 0; ; attempt += 1) {
    const info = utf8(`SIMULATED Intel key/${name}/${attempt}`);
    const scalar = hkdfSha256({ ikm, salt: new Uint8Array(0), info, length: 32 });
    if (isScalar(scalar)) return toHex(scalar);
  }
}

/** Says whether 32 bytes are a private scalar of P-256. */
export function isScalar(scalar: Uint8Array): boolean {
  return scalar.length === 32 && !isZero(scalar) && Buffer.compare(scalar, ORDER) < 0;
}

/** The private key of a scalar. */
export function privateKeyOf(scalar: Hex): KeyObject {
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const point = publicPoint(scalar);
  const key = { x: base64url(point.subarray(0, 32)), y: base64url(point.subarray(32)) };
  const d = base64url(bytesOf(scalar));
  return createPrivateKey({ key: { kty: "EC", crv: "P-256", d, ...key }, format: "jwk" });
}

/** The public key of a scalar as `x || y`, 64 bytes. */
export function publicPoint(scalar: Hex): Uint8Array {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(bytesOf(scalar));
  return new Uint8Array(ecdh.getPublicKey().subarray(1));
}

/** The DER SubjectPublicKeyInfo of a private key's public half. */
export function spkiOf(privateKey: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
}

/** A serial number of 20 bytes that a key and a purpose fix. */
export function serialOf(privateKey: KeyObject, purpose: string): Uint8Array {
  const serial = sha256(concat(utf8(purpose), spkiOf(privateKey))).slice(0, 20);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
