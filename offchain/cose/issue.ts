/** Writes CBOR and COSE_Sign1 messages, as an attester does; used for simulated machines only. */
import { Encoder } from "cbor-x";
import { signedBytes } from "./sign1.ts";

/** What can be written; maps keep their order. */
export type CborInput =
  number | bigint | string | boolean | null | Uint8Array | readonly CborInput[] | ReadonlyMap<CborInput, CborInput>;

/** A message to sign. */
export interface Sign1Parts {
  /** The serialised map of protected headers. */
  readonly protectedBytes: Uint8Array;
  readonly unprotectedHeaders?: ReadonlyMap<CborInput, CborInput>;
  readonly payload: Uint8Array;
}

const encoder = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });

/** Writes a value in preferred serialisation; integers above 32 bits are given as bigint. @see RFC 8949 section 4.1 */
export function encodeCbor(value: CborInput): Uint8Array {
  return new Uint8Array(encoder.encode(value));
}

/** Makes the untagged message; `sign` gives the signature over what it is handed, `r || s`. @see RFC 9052 section 4.4 */
export function issueSign1(parts: Sign1Parts, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
  const { protectedBytes, payload, unprotectedHeaders = new Map<CborInput, CborInput>() } = parts;
  return encodeCbor([protectedBytes, unprotectedHeaders, payload, sign(signedBytes(parts))]);
}
