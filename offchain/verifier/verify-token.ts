import { EndorsementError, EvidenceError } from "../errors.ts";
import { CheckLog } from "../evidence/check-log.ts";
import { TOKEN_CHECKS } from "../evidence/nvidia/token-checks.ts";
import { parseToken, verifyToken, type TokenClaims } from "../evidence/nvidia/token.ts";
import type { Check } from "../evidence/scheme.ts";
import { verdictOf, type Failure, type Verdict } from "./result.ts";

/** Tokens of NVIDIA's remote attestation service for one request. */
export interface DeviceTokens {
  /** The token of all devices together, or of one device. */
  readonly token: Uint8Array;
  /** Device name to token; each must be the one whose digest the token of all devices names. */
  readonly devices?: Readonly<Record<string, Uint8Array>>;
}

/** Everything that verifying tokens depends on. */
export interface TokenOptions {
  /** The service's JSON Web Key Set (`/.well-known/jwks.json`), from a source that is trusted. */
  readonly keys?: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly expectedNonce?: Uint8Array;
}

/** What is said of tokens: another verifier's word about a device, and no evidence of it. */
export interface TokenResult {
  readonly verdict: Verdict;
  /** Null where the token does not hold. */
  readonly claims: TokenClaims | null;
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
}

/**
 * Verifies the service's word about devices; a bad token is a failure of the result and never thrown.
 * @see RFC 9334 section 5.2, background check model; NVIDIA Remote Attestation Service
 */
export async function verifyDeviceTokens(tokens: DeviceTokens, options: TokenOptions): Promise<TokenResult> {
  const log = new CheckLog();
  const claims = await verifyOne(tokens.token, options, log);
  const devices = Object.entries(tokens.devices ?? {});
  for (const [name, token] of devices) await verifyDevice(name, token, { claims, options, log });
  const failures = failuresOf(log);
  const holds = claims !== undefined && failures.length === 0;
  return {
    verdict: holds ? "affirming" : verdictOf(failures, null),
    claims: holds ? claims : null,
    checks: log.checks,
    failures,
  };
}

async function verifyOne(bytes: Uint8Array, options: TokenOptions, log: CheckLog): Promise<TokenClaims | undefined> {
  const token = await log.check(TOKEN_CHECKS.format, () => {
    const value = parseToken(bytes);
    return { value, detail: `ES384, ${bytes.length} bytes` };
  });
  if (token === undefined) return undefined;
  const { keys, now, expectedNonce } = options;
  return verifyToken(token, { keys, now, log, ...(expectedNonce === undefined ? {} : { expectedNonce }) });
}

interface DeviceCase {
  readonly claims: TokenClaims | undefined;
  readonly options: TokenOptions;
  readonly log: CheckLog;
}

async function verifyDevice(name: string, bytes: Uint8Array, { claims, options, log }: DeviceCase): Promise<void> {
  const device = await verifyOne(bytes, options, log);
  await log.check(TOKEN_CHECKS.devices, () => {
    if (claims?.devices[name] !== parseToken(bytes).digest) {
      throw new EvidenceError("BINDING_MISMATCH", `the token of all devices names another token for ${name}`);
    }
    if (device?.kind !== "device" || device.nonce !== claims.nonce) {
      throw new EvidenceError("BINDING_MISMATCH", `the token for ${name} is no device's of the same request`);
    }
    return { value: true, detail: `${name} is the one that the token of all devices names` };
  });
}

/** A bad or missing key says nothing of the token. */
function failuresOf(log: CheckLog): readonly Failure[] {
  const codes = log.failures.map(({ id, error }): Failure => {
    const tier = error instanceof EndorsementError ? "none" : "contraindicated";
    return { id, code: error.code, detail: error.message, tier };
  });
  const notMade = log.checks.filter((check) => check.outcome === "none" && !log.isUnasked(check));
  return [...codes, ...notMade.map(({ id, detail }): Failure => ({ id, code: "NOT_CHECKED", detail, tier: "none" }))];
}
