import { verifyEcdsa, type VerifyKey } from "#crypto";
import { concat, uintBytes, utf8 } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { decodeCbor, type CborValue } from "./cbor.ts";

type Headers = ReadonlyMap<CborValue, CborValue>;

/** A COSE_Sign1 message as parsed; nothing in it is verified. */
export interface CoseSign1 {
  /** The serialised map as it is signed. */
  readonly protectedBytes: Uint8Array;
  readonly protectedHeaders: Headers;
  readonly unprotectedHeaders: Headers;
  readonly payload: Uint8Array;
  /** `r || s`. */
  readonly signature: Uint8Array;
}

export type CoseAlgorithm = "ES256" | "ES384";

const SIGN1_TAG = 0xd2;
const ALGORITHM_LABEL = 1;
const CRITICAL_LABEL = 2;
const ALGORITHMS = {
  ES256: { id: -7, hash: "sha256", signatureLength: 64 },
  ES384: { id: -35, hash: "sha384", signatureLength: 96 },
} as const;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `COSE: ${message}`);

/**
 * Parses a COSE_Sign1 message with or without its tag; a detached payload and critical headers are refused.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 9052 sections 3 and 4.2
 */
export function parseCoseSign1(bytes: Uint8Array): CoseSign1 {
  const message = decodeCbor(bytes[0] === SIGN1_TAG ? bytes.subarray(1) : bytes);
  if (!Array.isArray(message) || message.length !== 4) throw malformed("COSE_Sign1 is not an array of four");
  const [protectedBytes, unprotectedHeaders, payload, signature] = message as readonly CborValue[];
  if (!(protectedBytes instanceof Uint8Array)) throw malformed("the protected header is not a byte string");
  if (!(unprotectedHeaders instanceof Map)) throw malformed("the unprotected header is not a map");
  if (!(payload instanceof Uint8Array)) throw malformed("the payload is not a byte string");
  if (!(signature instanceof Uint8Array)) throw malformed("the signature is not a byte string");
  const protectedHeaders = readProtected(protectedBytes);
  for (const label of unprotectedHeaders.keys()) {
    if (protectedHeaders.has(label as CborValue)) throw malformed("a header is both protected and unprotected");
  }
  if (protectedHeaders.has(CRITICAL_LABEL)) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "COSE: critical headers");
  return { protectedBytes, protectedHeaders, unprotectedHeaders: unprotectedHeaders as Headers, payload, signature };
}

function readProtected(bytes: Uint8Array): Headers {
  if (bytes.length === 0) return new Map();
  const headers = decodeCbor(bytes);
  if (!(headers instanceof Map)) throw malformed("the protected header is not a map");
  return headers as Headers;
}

/** An algorithm's number. @see RFC 9053 section 2.1 */
export function coseAlgorithmId(algorithm: CoseAlgorithm): number {
  return ALGORITHMS[algorithm].id;
}

/** The algorithm that the protected header names; undefined where it is none of those known. */
export function algorithmOf({ protectedHeaders }: Pick<CoseSign1, "protectedHeaders">): CoseAlgorithm | undefined {
  const named = protectedHeaders.get(ALGORITHM_LABEL);
  return (Object.keys(ALGORITHMS) as CoseAlgorithm[]).find((algorithm) => ALGORITHMS[algorithm].id === named);
}

/**
 * Verifies a message's signature with the one algorithm that is expected, which the protected header must name.
 * Throws `EvidenceError` `EVIDENCE_UNSUPPORTED` or `SIGNATURE_INVALID`.
 * @see RFC 9052 section 4.4; RFC 9053 section 2.1
 */
export async function verifyCoseSign1(message: CoseSign1, key: VerifyKey, algorithm: CoseAlgorithm): Promise<void> {
  const { hash, signatureLength } = ALGORITHMS[algorithm];
  if (algorithmOf(message) !== algorithm) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `COSE: the protected header does not name ${algorithm}`);
  }
  const { signature } = message;
  const holds = signature.length === signatureLength && (await verifyEcdsa(hash, key, signedBytes(message), signature));
  if (!holds) throw new EvidenceError("SIGNATURE_INVALID", "COSE: the signature does not hold");
}

/** What is signed: the Sig_structure without external data. */
export function signedBytes({ protectedBytes, payload }: Pick<CoseSign1, "protectedBytes" | "payload">): Uint8Array {
  const context = utf8("Signature1");
  const items = [head(3, context.length), context, byteString(protectedBytes), head(2, 0), byteString(payload)];
  return concat(head(4, 4), ...items);
}

function byteString(bytes: Uint8Array): Uint8Array {
  return concat(head(2, bytes.length), bytes);
}

function head(major: number, argument: number): Uint8Array {
  const initial = major << 5;
  if (argument < 24) return Uint8Array.of(initial | argument);
  if (argument < 0x100) return Uint8Array.of(initial | 24, argument);
  if (argument < 0x1_0000) return concat(Uint8Array.of(initial | 25), uintBytes(argument, 2));
  return concat(Uint8Array.of(initial | 26), uintBytes(argument, 4));
}
