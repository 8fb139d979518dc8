import { parseCoseKey } from "../../cose/key.ts";
import { EvidenceError } from "../../errors.ts";
import { publicKeyOfPoint } from "../../x509/ec-key.ts";
import { DER, DerReader } from "../../x509/der.ts";
import { isPem, parsePem } from "../../x509/pem.ts";
import { readPublicKey, type PublicKey } from "../../x509/signature.ts";
import { decodeJwk } from "./jwk.ts";

const OPENING_BRACE = 0x7b;

/**
 * Reads a platform's public key on P-256 or P-384 in any of its forms: SubjectPublicKeyInfo in PEM or DER, JWK, or COSE_Key.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 5480 section 2; RFC 7518 section 6.2; RFC 9053 section 7.1.1
 */
export function parsePlatformKey(bytes: Uint8Array): PublicKey {
  const key = readAnyKey(bytes);
  if (key.curve !== undefined) return key;
  throw new EvidenceError("EVIDENCE_UNSUPPORTED", "a platform key that is on no curve");
}

function readAnyKey(bytes: Uint8Array): PublicKey {
  if (isPem(bytes)) return readPem(bytes);
  if (bytes[0] === DER.sequence) return readDer(bytes);
  const { curve, xy } = bytes[0] === OPENING_BRACE ? decodeJwk(bytes) : parseCoseKey(bytes);
  return publicKeyOfPoint(curve, xy);
}

function readPem(bytes: Uint8Array): PublicKey {
  const [spki, ...others] = parsePem(bytes, "PUBLIC KEY");
  if (spki === undefined || others.length > 0) {
    throw new EvidenceError("EVIDENCE_MALFORMED", `${others.length + 1} platform keys where one is expected`);
  }
  return readDer(spki);
}

/** Nothing may follow the key: its hash would be another's. */
function readDer(bytes: Uint8Array): PublicKey {
  const outer = new DerReader(bytes);
  const { raw } = outer.element(DER.sequence, "public key");
  outer.end("public key");
  return readPublicKey(raw);
}
