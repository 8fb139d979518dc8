/** P-384 keys of simulated vendors and machines, derived from a seed so that a short file holds them. */
import { createECDH, createPrivateKey, type KeyObject } from "node:crypto";
import { hkdfSha256 } from "#crypto";
import { isZero, toHex, utf8, type Hex } from "../../encoding/bytes.ts";
import { hexField } from "../../encoding/members.ts";
import { bytesOf } from "./state.ts";

const ORDER = Buffer.from(
  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
  "hex",
);
const LENGTH = 48;

/** The private scalar (48 bytes) of a name under a seed. */
export function deriveP384(seed: Hex, name: string): Hex {
  const ikm = bytesOf(seed);
  for (let attempt = 0; ; attempt += 1) {
    const info = utf8(`SIMULATED P-384 key/${name}/${attempt}`);
    const scalar = hkdfSha256({ ikm, salt: new Uint8Array(0), info, length: LENGTH });
    if (isScalar(scalar)) return toHex(scalar);
  }
}

/** The private key of a scalar. */
export function p384Key(scalar: Hex): KeyObject {
  const d = bytesOf(scalar);
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 1 + LENGTH), point.subarray(1 + LENGTH)];
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const key = { kty: "EC", crv: "P-384", x: base64url(x), y: base64url(y), d: base64url(d) };
  return createPrivateKey({ key, format: "jwk" });
}

/** A field with a private scalar. */
export function p384Field(value: unknown): Hex | undefined {
  const scalar = hexField(LENGTH)(value);
  return scalar !== undefined && isScalar(bytesOf(scalar)) ? scalar : undefined;
}

function isScalar(scalar: Uint8Array): boolean {
  return !isZero(scalar) && Buffer.compare(scalar, ORDER) < 0;
}
