import { CompactSign, compactVerify, errors, importJWK, importPKCS8, importSPKI, type CryptoKey } from "jose";
import { parseBase64Url } from "../encoding/base64.ts";
import { isObject, parseJson } from "../encoding/members.ts";
import { JsonFields } from "../encoding/fields.ts";
import { utf8 } from "../encoding/bytes.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import { EAR_PROFILE, type Ear } from "./ear.ts";
import { TRUSTWORTHINESS_CLAIMS, tierOf, type TrustTier } from "./trustworthiness.ts";

/** A key on P-256 or P-384 with the algorithm that it is for. */
export interface EarKey {
  readonly algorithm: "ES256" | "ES384";
  readonly use: "sign" | "verify";
  readonly key: CryptoKey;
}

export interface EarVerification {
  readonly key: EarKey;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What the token must echo, base64url; not looked at where it is not given. */
  readonly expectedNonce?: string;
}

const ALGORITHMS = ["ES256", "ES384"] as const;
const MAX_TOKEN = 1 << 20;
const MAX_SECONDS = 253_402_300_799;
const TIERS: readonly TrustTier[] = ["affirming", "warning", "none", "contraindicated"];

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `EAR: ${message}`);

/**
 * Reads a key: PKCS #8 or SubjectPublicKeyInfo in PEM, or a JSON Web Key; throws `ConfigError` `CONFIG_INVALID`, which never
 * shows the key.
 * @see RFC 5958; RFC 5280 section 4.1.2.7; RFC 7517
 */
export async function readEarKey(file: Uint8Array, use: EarKey["use"]): Promise<EarKey> {
  const text = new TextDecoder().decode(file).trim();
  for (const algorithm of ALGORITHMS) {
    const key = await importKey(text, use, algorithm);
    if (key !== undefined && key.type === (use === "sign" ? "private" : "public")) return { algorithm, use, key };
  }
  const wanted = use === "sign" ? "private key (PKCS #8 in PEM, or a JWK)" : "public key (SPKI in PEM, or a JWK)";
  throw new ConfigError("CONFIG_INVALID", `no ${wanted} on P-256 or P-384`);
}

/** Signs a claims set as a JWT in compact form. @see RFC 7515 section 7.1; RFC 9782 section 5 */
export async function signEar(ear: Ear, { algorithm, key }: EarKey): Promise<string> {
  const header = { alg: algorithm, typ: "eat+jwt" };
  return new CompactSign(utf8(JSON.stringify(ear))).setProtectedHeader(header).sign(key);
}

/** Whether bytes have the form of a token: three parts of base64url. */
export function looksLikeToken(file: Uint8Array): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(new TextDecoder().decode(file.subarray(0, MAX_TOKEN)));
}

/**
 * Verifies a token: signature, profile, time, nonce, and that no status is better than what it stands for. Claims that are not
 * known are kept and mean nothing.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`, `EVIDENCE_UNSUPPORTED`, `SIGNATURE_INVALID`, `EVIDENCE_STALE` or `BINDING_MISMATCH`.
 * @see RFC 7515 section 5.2; RFC 7519 section 7.2; draft-ietf-rats-ear-04, sections 3.1 and 3.2
 */
export async function verifyEar(token: Uint8Array, { key, now, expectedNonce }: EarVerification): Promise<Ear> {
  const payload = await verifiedPayload(token, key);
  const json = parseJson(payload, "the payload", malformed);
  const fields = new JsonFields(json, "EAR", malformed);
  if (fields.text("eat_profile") !== EAR_PROFILE) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `EAR: profile ${fields.text("eat_profile")}`);
  }
  checkTime(fields, Math.floor(now / 1000));
  if (expectedNonce !== undefined && (!fields.has("eat_nonce") || fields.text("eat_nonce") !== expectedNonce)) {
    throw new EvidenceError("BINDING_MISMATCH", "EAR: the token echoes another nonce");
  }
  checkVerifier(fields.fields("ear_verifier_id"));
  const submods = fields.fields("submods");
  const tiers = submods.names().map((label) => appraisalTier(submods.fields(label)));
  if (tiers.length === 0) throw malformed("no attester was appraised");
  noBetter(tierIn(fields), tiers, "EAR.ear_status");
  return json as Ear;
}

async function verifiedPayload(token: Uint8Array, { algorithm, key }: EarKey): Promise<Uint8Array> {
  if (token.length > MAX_TOKEN) throw malformed(`${token.length} bytes`);
  const text = new TextDecoder().decode(token).trim();
  // jose passes over white space, which in the last part nobody signs: one signature has one spelling.
  if (text.split(".").some((part) => parseBase64Url(part) === undefined)) throw malformed("no parts in base64url");
  try {
    return (await compactVerify(text, key, { algorithms: [algorithm] })).payload;
  } catch (cause) {
    if (cause instanceof errors.JWSSignatureVerificationFailed) {
      throw new EvidenceError("SIGNATURE_INVALID", "EAR: the signature is not by this key", { cause });
    }
    if (cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported) {
      throw new EvidenceError("EVIDENCE_UNSUPPORTED", `EAR: not signed with ${algorithm}`, { cause });
    }
    if (cause instanceof errors.JOSEError || cause instanceof TypeError) throw malformed("no signed token");
    throw cause;
  }
}

function checkTime(fields: JsonFields, now: number): void {
  const issued = fields.uint("iat", MAX_SECONDS);
  if (issued > now) throw new EvidenceError("EVIDENCE_STALE", `EAR: issued at ${issued}, which is after ${now}`);
  if (fields.has("exp") && fields.uint("exp", MAX_SECONDS) <= now) {
    throw new EvidenceError("EVIDENCE_STALE", `EAR: expired at ${fields.uint("exp", MAX_SECONDS)}`);
  }
}

function checkVerifier(fields: JsonFields): void {
  for (const name of ["developer", "build"]) fields.text(name);
}

function appraisalTier(fields: JsonFields): TrustTier {
  const status = tierIn(fields);
  const vector = fields.fields("ear_trustworthiness_vector");
  const given = TRUSTWORTHINESS_CLAIMS.filter((claim) => vector.has(claim)).map((claim) => vector.value(claim));
  const values = given.map((value) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= -128 && value <= 127) return value;
    throw malformed("a trustworthiness claim that is no integer from -128 to 127");
  });
  // A claim that is not made says nothing against the attester.
  const tiers = values.map(tierOf).filter((tier) => tier !== "none");
  noBetter(status, tiers, "ear_status");
  return status;
}

function tierIn(fields: JsonFields): TrustTier {
  const status = fields.text("ear_status");
  return TIERS.find((tier) => tier === status) ?? refuseTier(status);
}

function refuseTier(status: string): never {
  throw malformed(`the status ${status.slice(0, 32)}`);
}

function noBetter(status: TrustTier, parts: readonly TrustTier[], what: string): void {
  const worst = Math.max(0, ...parts.map((tier) => TIERS.indexOf(tier)));
  if (TIERS.indexOf(status) < worst) throw malformed(`${what} is ${status}, better than ${TIERS[worst] ?? ""}`);
}

async function importKey(text: string, use: EarKey["use"], algorithm: string): Promise<CryptoKey | undefined> {
  try {
    if (!text.startsWith("{"))
      return await (use === "sign" ? importPKCS8(text, algorithm) : importSPKI(text, algorithm));
    const jwk: unknown = JSON.parse(text);
    const key = isObject(jwk) ? await importJWK(jwk, algorithm) : undefined;
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined;
  }
}
