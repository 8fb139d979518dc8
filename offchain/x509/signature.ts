import { importSpki, verifyEcdsa, type VerifyKey } from "#crypto";
import { EvidenceError } from "../errors.ts";
import { DerReader } from "./der.ts";

/** The signature algorithms in use; each fixes hash and curve. */
export type SignatureAlgorithm = "ecdsa-p256-sha256" | "ecdsa-p384-sha384";

/** A public key as a certificate carries it. */
export interface PublicKey {
  readonly curve: "P-256" | "P-384";
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const CURVES: Readonly<Record<string, { curve: PublicKey["curve"]; pointLength: number }>> = {
  "1.2.840.10045.3.1.7": { curve: "P-256", pointLength: 65 },
  "1.3.132.0.34": { curve: "P-384", pointLength: 97 },
};
const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  "1.2.840.10045.4.3.2": "ecdsa-p256-sha256",
  "1.2.840.10045.4.3.3": "ecdsa-p384-sha384",
};
const PROPERTIES = {
  "ecdsa-p256-sha256": { hash: "sha256", curve: "P-256", width: 32 },
  "ecdsa-p384-sha384": { hash: "sha384", curve: "P-384", width: 48 },
} as const;

const imported = new WeakMap<PublicKey, VerifyKey>();

/** Reads an AlgorithmIdentifier of a signature; other algorithms are `EVIDENCE_UNSUPPORTED`. */
export function readSignatureAlgorithm(reader: DerReader): SignatureAlgorithm {
  const oid = reader.oid("signature algorithm");
  reader.end("signature algorithm");
  const algorithm = ALGORITHMS[oid];
  if (algorithm === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `signature algorithm ${oid}`);
  return algorithm;
}

/**
 * Reads a SubjectPublicKeyInfo with an uncompressed point on a named curve; other keys are `EVIDENCE_UNSUPPORTED`.
 * @see RFC 5480 section 2
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  const reader = new DerReader(spki).enter("public key");
  const algorithm = reader.enter("public key algorithm");
  const oid = algorithm.oid("public key algorithm");
  if (oid !== EC_PUBLIC_KEY) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `public key algorithm ${oid}`);
  const curveOid = algorithm.oid("named curve");
  algorithm.end("public key algorithm");
  const known = CURVES[curveOid];
  if (known === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `curve ${curveOid}`);
  const point = reader.octetsOfBitString("public key");
  reader.end("public key");
  if (point.length !== known.pointLength || point[0] !== 4) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the public key is not an uncompressed point of its curve");
  }
  return { curve: known.curve, spki };
}

/** A public key ready to verify with; `EVIDENCE_MALFORMED` where the point is not on its curve. */
export async function importKey(key: PublicKey): Promise<VerifyKey> {
  const known = imported.get(key);
  if (known !== undefined) return known;
  try {
    const ready = await importSpki(key.spki);
    imported.set(key, ready);
    return ready;
  } catch (cause) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the public key is not a point of its curve", { cause });
  }
}

/** Verifies a DER ECDSA-Sig-Value; says false where it does not hold or the key is of another curve. */
export async function verifyDerSignature(
  algorithm: SignatureAlgorithm,
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { hash, curve, width } = PROPERTIES[algorithm];
  if (key.curve !== curve) return false;
  const fixed = fixedWidth(signature, width);
  return fixed !== undefined && (await verifyEcdsa(hash, await importKey(key), message, fixed));
}

/** `r || s` of a DER ECDSA-Sig-Value; undefined where a number is too wide. */
function fixedWidth(signature: Uint8Array, width: number): Uint8Array | undefined {
  const outer = new DerReader(signature);
  const reader = outer.enter("ECDSA signature");
  outer.end("ECDSA signature");
  const r = reader.unsigned("r");
  const s = reader.unsigned("s");
  reader.end("ECDSA signature");
  if (r.length > width || s.length > width) return undefined;
  const fixed = new Uint8Array(2 * width);
  fixed.set(r, width - r.length);
  fixed.set(s, 2 * width - s.length);
  return fixed;
}
