import { importEcPoint, sha256, verifyEcdsa, type VerifyKey } from "#crypto";
import { parseBase64Url } from "../../encoding/base64.ts";
import { asciiText, toHex, utf8 } from "../../encoding/bytes.ts";
import type { JsonFields } from "../../encoding/fields.ts";
import { EndorsementError, EvidenceError } from "../../errors.ts";
import { need, needEndorsement, type CheckLog } from "../check-log.ts";
import { parseJsonObject } from "./jose.ts";
import { parseKeySet } from "./key-set.ts";
import { TOKEN_CHECKS } from "./token-checks.ts";

/** A token of NVIDIA's remote attestation service as parsed; nothing in it is verified. */
export interface AttestationToken {
  readonly keyId: string;
  readonly payload: JsonFields;
  readonly signedPart: Uint8Array;
  /** `r || s` on P-384. */
  readonly signature: Uint8Array;
  /** SHA-256 of the token's text, hex. */
  readonly digest: string;
}

/** What a verified token says. */
export interface TokenClaims {
  /** Of all devices together, or of one. */
  readonly kind: "overall" | "device";
  readonly issuer: string;
  readonly keyId: string;
  /** Hex. */
  readonly nonce: string;
  /** Milliseconds since 1970. */
  readonly validUntil: number;
  /** Device name to SHA-256 of its token, hex; empty in the token of one device. */
  readonly devices: Readonly<Record<string, string>>;
}

/** What a token is verified with. */
export interface TokenContext {
  /** The service's JSON Web Key Set; its keys are trusted as they are. */
  readonly keys: Uint8Array | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly expectedNonce?: Uint8Array;
  readonly log: CheckLog;
}

const ISSUER = "https://nras.attestation.nvidia.com";
const OVERALL_RESULT = "x-nvidia-overall-att-result";
const SIGNATURE_LENGTH = 96;
const MAX_LENGTH = 1 << 16;
const MAX_SECONDS = 0xff_ffff_ffff;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `token: ${message}`);
const unsupported = (message: string): EvidenceError => new EvidenceError("EVIDENCE_UNSUPPORTED", `token: ${message}`);

/**
 * Parses a JWT in compact form, signed with ES384 and nothing else.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 7515 section 3.1; RFC 7519 section 7.2
 */
export function parseToken(bytes: Uint8Array): AttestationToken {
  if (bytes.length > MAX_LENGTH) throw malformed(`${bytes.length} bytes`);
  const text = asciiText(bytes);
  const parts = text.split(".");
  const [header, payload, signature] = parts.map(parseBase64Url);
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw malformed("not three parts in base64url");
  }
  const keyId = readHeader(parseJsonObject(header, "header", malformed));
  if (signature.length !== SIGNATURE_LENGTH) throw malformed(`a signature of ${signature.length} bytes`);
  return {
    keyId,
    payload: parseJsonObject(payload, "payload", malformed),
    signedPart: utf8(text.slice(0, text.lastIndexOf("."))),
    signature,
    digest: toHex(sha256(bytes)).slice(2),
  };
}

function readHeader(header: JsonFields): string {
  const algorithm = header.text("alg");
  if (algorithm !== "ES384") throw unsupported(`algorithm ${algorithm}`);
  const unknown = header.names().filter((name) => !["alg", "kid", "typ"].includes(name));
  if (unknown.length > 0) throw unsupported(`header members ${unknown.join(", ")}`);
  return header.text("kid");
}

/**
 * Verifies a token: key, signature, issuer, time, nonce and result; undefined where any check failed or was not made.
 * @see RFC 7519 section 7.2; NVIDIA Remote Attestation Service, attestation tokens
 */
export async function verifyToken(token: AttestationToken, context: TokenContext): Promise<TokenClaims | undefined> {
  const { log, now } = context;
  const key = await log.check(TOKEN_CHECKS.key, async () => ({
    value: await keyOf(token, needEndorsement(context.keys, "key set of the attestation service")),
    detail: `key ${token.keyId}`,
  }));
  const signed = await log.check(TOKEN_CHECKS.signature, async () => {
    if (!(await verifyEcdsa("sha384", need(key, "the key"), token.signedPart, token.signature))) {
      throw new EvidenceError("SIGNATURE_INVALID", "the token's signature does not hold");
    }
    return { value: true, detail: "the service signed the token" };
  });
  const claims = await log.check(TOKEN_CHECKS.claims, () => {
    need(signed, "the token's signature");
    const value = readClaims(token);
    return { value, detail: `${value.kind} token of ${value.issuer}` };
  });
  const timely = await log.check(TOKEN_CHECKS.time, () => checkTime(token, need(claims, "the token"), now));
  const fresh = await checkNonce(claims, context);
  const passed = await log.check(TOKEN_CHECKS.result, () => checkResult(token, need(claims, "the token")));
  return timely === true && fresh && passed === true ? claims : undefined;
}

async function keyOf({ keyId }: AttestationToken, keys: Uint8Array): Promise<VerifyKey> {
  const xy = parseKeySet(keys).get(keyId);
  if (xy === undefined) {
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `not checked: no key ${keyId} in the key set`);
  }
  try {
    return await importEcPoint("P-384", xy);
  } catch (cause) {
    throw new EndorsementError("ENDORSEMENT_INVALID", `key ${keyId} is not a point of P-384`, { cause });
  }
}

function readClaims({ payload, keyId }: AttestationToken): TokenClaims {
  const issuer = payload.text("iss");
  if (issuer !== ISSUER) throw new EvidenceError("CHAIN_UNTRUSTED", `the token is issued by ${issuer}`);
  const nonce = payload.hex("eat_nonce", { prefix: false });
  const overall = payload.has(OVERALL_RESULT);
  return {
    kind: overall ? "overall" : "device",
    issuer,
    keyId,
    nonce: toHex(nonce).slice(2),
    validUntil: 1000 * payload.uint("exp", MAX_SECONDS),
    devices: overall ? readDevices(payload.fields("submods")) : {},
  };
}

/** Each device's token is named by its digest: `["DIGEST", ["SHA-256", hex]]`. */
function readDevices(submodules: JsonFields): TokenClaims["devices"] {
  return Object.fromEntries(
    submodules.names().map((name) => {
      const [kind, digest] = submodules.list(name);
      const [algorithm, value] = Array.isArray(digest) ? (digest as readonly unknown[]) : [];
      const known = kind === "DIGEST" && algorithm === "SHA-256" && typeof value === "string";
      if (!known || !/^[0-9a-f]{64}$/.test(value)) throw malformed(`submodule ${name} is no SHA-256 digest`);
      return [name, value];
    }),
  );
}

function checkTime(
  { payload }: AttestationToken,
  { validUntil }: TokenClaims,
  now: number,
): { value: true; detail: string } {
  const from = 1000 * Math.max(payload.uint("nbf", MAX_SECONDS), payload.uint("iat", MAX_SECONDS));
  const detail = `valid from ${new Date(from).toISOString()} to ${new Date(validUntil).toISOString()}`;
  if (now < from || now >= validUntil) throw new EvidenceError("EVIDENCE_STALE", `the token is ${detail}`);
  return { value: true, detail };
}

async function checkNonce(claims: TokenClaims | undefined, { log, expectedNonce }: TokenContext): Promise<boolean> {
  if (expectedNonce === undefined) {
    log.leaveOut(TOKEN_CHECKS.nonce, "no nonce was expected");
    return true;
  }
  const found = await log.check(TOKEN_CHECKS.nonce, () => {
    const { nonce } = need(claims, "the token");
    const expected = toHex(expectedNonce).slice(2);
    if (nonce !== expected) throw new EvidenceError("BINDING_MISMATCH", `the nonce is ${nonce}, expected ${expected}`);
    return { value: true, detail: "the token carries the nonce expected" };
  });
  return found === true;
}

/** The service signs its refusals as well: a token counts only where everything in it was found good. */
function checkResult({ payload }: AttestationToken, { kind }: TokenClaims): { value: true; detail: string } {
  const good =
    kind === "overall"
      ? payload.boolean(OVERALL_RESULT)
      : payload.text("measres") === "success" && payload.boolean("secboot") && payload.text("dbgstat") === "disabled";
  const refused = payload.names().filter((name) => name.startsWith("x-nvidia-") && payload.value(name) === false);
  if (good && refused.length === 0) return { value: true, detail: "the service found everything good" };
  throw new EvidenceError("BINDING_MISMATCH", `the service refuses the device: ${refused.join(", ") || "its result"}`);
}
