import { importSpki, verifyEcdsa, verifyRsaPss, type VerifyKey } from "#crypto";
import { EvidenceError } from "../errors.ts";
import { DER, DerReader } from "./der.ts";

/** The signature algorithms in use; each fixes hash and kind of key. */
export type SignatureAlgorithm = "ecdsa-p256-sha256" | "ecdsa-p384-sha384" | "rsa4096-pss-sha384";

/** A public key as a certificate carries it. */
export interface PublicKey {
  /** Undefined for an RSA key, whose modulus is always of 4096 bits. */
  readonly curve: "P-256" | "P-384" | undefined;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const RSA_PUBLIC_KEY = "1.2.840.113549.1.1.1";
const RSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const SHA384 = "2.16.840.1.101.3.4.2.2";
const RSA_MODULUS_LENGTH = 512;
const RSA_EXPONENT = 65537;
const PSS_SALT_LENGTH = 48;
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
  if (oid === RSA_PSS) return readPssParameters(reader);
  reader.end("signature algorithm");
  const algorithm = ALGORITHMS[oid];
  if (algorithm === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `signature algorithm ${oid}`);
  return algorithm;
}

/**
 * Reads RSASSA-PSS-params, which must say SHA-384, MGF1 with SHA-384, a salt of 48 octets and the one trailer there is.
 * @see RFC 4055 section 3.1
 */
function readPssParameters(algorithm: DerReader): SignatureAlgorithm {
  const parameters = algorithm.enter("RSASSA-PSS parameters");
  algorithm.end("signature algorithm");
  const hash = explicit(parameters, 0xa0);
  const mask = explicit(parameters, 0xa1).enter("mask generation");
  const maskFunction = mask.oid("mask generation");
  const hashes = [readHash(hash), readHash(mask)];
  const salt = explicit(parameters, 0xa2).uint32("salt length");
  const trailer = parameters.enterIf(0xa3, "trailer field")?.uint32("trailer field") ?? 1;
  parameters.end("RSASSA-PSS parameters");
  const known = maskFunction === MGF1 && hashes.every((oid) => oid === SHA384);
  if (!known || salt !== PSS_SALT_LENGTH || trailer !== 1) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", "RSASSA-PSS with other parameters than those of SHA-384");
  }
  return "rsa4096-pss-sha384";
}

function explicit(parameters: DerReader, tag: number): DerReader {
  const reader = parameters.enterIf(tag, "RSASSA-PSS parameters");
  if (reader === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "RSASSA-PSS with default parameters");
  return reader;
}

/** The hash of an AlgorithmIdentifier, whose parameters are absent or NULL. */
function readHash(outer: DerReader): string {
  const reader = outer.enter("hash algorithm");
  const oid = reader.oid("hash algorithm");
  readNull(reader);
  reader.end("hash algorithm");
  outer.end("hash algorithm");
  return oid;
}

function readNull(reader: DerReader): void {
  if (reader.done) return;
  if (reader.content(DER.null, "parameters").length > 0) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "parameters that are not NULL");
  }
}

/**
 * Reads a SubjectPublicKeyInfo with an uncompressed point on a named curve, or of RSA with 4096 bits and exponent 65537;
 * other keys are `EVIDENCE_UNSUPPORTED`.
 * @see RFC 5480 section 2, RFC 3279 section 2.3.1
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  const reader = new DerReader(spki).enter("public key");
  const algorithm = reader.enter("public key algorithm");
  const oid = algorithm.oid("public key algorithm");
  if (oid === RSA_PUBLIC_KEY) readNull(algorithm);
  const curveOid = oid === EC_PUBLIC_KEY ? algorithm.oid("named curve") : undefined;
  algorithm.end("public key algorithm");
  const key = reader.octetsOfBitString("public key");
  reader.end("public key");
  if (curveOid !== undefined) return { curve: readPoint(curveOid, key), spki };
  if (oid !== RSA_PUBLIC_KEY) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `public key algorithm ${oid}`);
  checkRsaKey(key);
  return { curve: undefined, spki };
}

function readPoint(curveOid: string, point: Uint8Array): PublicKey["curve"] {
  const known = CURVES[curveOid];
  if (known === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `curve ${curveOid}`);
  if (point.length !== known.pointLength || point[0] !== 4) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the public key is not an uncompressed point of its curve");
  }
  return known.curve;
}

function checkRsaKey(key: Uint8Array): void {
  const outer = new DerReader(key);
  const reader = outer.enter("RSA public key");
  outer.end("RSA public key");
  const modulus = reader.unsigned("modulus");
  const exponent = reader.uint32("public exponent");
  reader.end("RSA public key");
  if (modulus.length !== RSA_MODULUS_LENGTH || (modulus[0] ?? 0) < 0x80 || exponent !== RSA_EXPONENT) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `an RSA key of ${modulus.length} octets, exponent ${exponent}`);
  }
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
    throw new EvidenceError("EVIDENCE_MALFORMED", "the public key is none of its kind", { cause });
  }
}

/** Verifies a certificate's signature, for ECDSA a DER ECDSA-Sig-Value; says false where it does not hold or the key is of another kind. */
export async function verifyDerSignature(
  algorithm: SignatureAlgorithm,
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (algorithm === "rsa4096-pss-sha384") {
    return key.curve === undefined && (await verifyRsaPss("sha384", await importKey(key), message, signature));
  }
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
