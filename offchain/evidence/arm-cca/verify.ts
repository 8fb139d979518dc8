import { sha256, sha384, sha512 } from "#crypto";
import { algorithmOf, verifyCoseSign1, type CoseAlgorithm, type CoseSign1 } from "../../cose/sign1.ts";
import { equal, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import { importKey, type PublicKey } from "../../x509/signature.ts";
import { asEndorsement, need, needEndorsement, type CheckLog } from "../check-log.ts";
import type { TrustRoot, Verified, VerifyContext } from "../scheme.ts";
import { CCA_CHECKS } from "./checks.ts";
import type { HashId } from "./claim-map.ts";
import type { CcaEndorsements } from "./endorsements.ts";
import { parsePlatformKey } from "./platform-key.ts";
import type { CcaToken } from "./token.ts";

/** What a verification works with beside the token. */
export interface CcaContext extends VerifyContext<CcaEndorsements> {
  /** Collects every check. */
  readonly log: CheckLog;
}

/** A token with the trusted key that its platform token was verified by. */
export interface CcaEvidence {
  readonly token: CcaToken;
  readonly root: TrustRoot;
  readonly algorithms: Readonly<Record<"platform" | "realm", CoseAlgorithm>>;
}

interface TrustedKey {
  readonly key: PublicKey;
  readonly root: TrustRoot;
}

const HASHES: Readonly<Record<HashId, (bytes: Uint8Array) => Uint8Array>> = {
  "sha-256": sha256,
  "sha-384": sha384,
  "sha-512": sha512,
};
const ALGORITHMS: Readonly<Record<string, CoseAlgorithm>> = { "P-256": "ES256", "P-384": "ES384" };

/**
 * Verifies a token: that the platform key is trusted and signed the platform token, that the realm token is signed by the key that it
 * carries, and that the platform vouches for that key. A platform key has no certificate, so that nothing here depends on the time.
 * Throws the first failure, coded, after every check that could be made is in the log.
 * @see draft-ffm-rats-cca-token, verification; Arm RMM specification, attestation
 */
export async function verifyToken(token: CcaToken, context: CcaContext): Promise<Verified<CcaEvidence>> {
  const { log } = context;
  const { platform, realm } = token;
  const algorithms = await log.check(CCA_CHECKS.headers, () => {
    const value = { platform: checkHeaders(platform.message), realm: checkHeaders(realm.message) };
    return { value, detail: `platform ${value.platform}, realm ${value.realm}, no unprotected header` };
  });
  const trusted = await log.check(CCA_CHECKS.platformKey, async () => {
    const value = await trustedKey(context);
    return { value, detail: `${value.root.name}, a key on ${value.key.curve}` };
  });
  await log.check(CCA_CHECKS.platformSignature, async () => {
    await checkSignature(platform.message, need(trusted, "the platform key").key);
    return { value: true, detail: "the platform key signed the platform token" };
  });
  await log.check(CCA_CHECKS.realmSignature, async () => {
    await checkSignature(realm.message, realm.claims.publicKey);
    return { value: true, detail: "the realm attestation key signed the realm token" };
  });
  await log.check(CCA_CHECKS.binding, () => {
    checkBinding(token);
    return {
      value: true,
      detail: `the platform's challenge is ${realm.claims.publicKeyHashAlgorithm} of the realm's key`,
    };
  });
  log.conclude();
  if (trusted === undefined || algorithms === undefined) {
    throw new EvidenceError("CHAIN_UNTRUSTED", "no trusted platform key");
  }
  const evidence: CcaEvidence = { token, root: trusted.root, algorithms };
  return evidence as Verified<CcaEvidence>;
}

/** Only what is signed may say how to verify, and nothing beside it may say more. */
function checkHeaders(message: CoseSign1): CoseAlgorithm {
  if (message.unprotectedHeaders.size > 0) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", "an unprotected header is not empty");
  }
  const algorithm = algorithmOf(message);
  if (algorithm !== undefined) return algorithm;
  throw new EvidenceError("EVIDENCE_UNSUPPORTED", "a protected header names neither ES256 nor ES384");
}

async function trustedKey({ endorsements, trustRoots }: CcaContext): Promise<TrustedKey> {
  const bytes = needEndorsement(endorsements.platformKey, "platform key");
  const key = await asEndorsement("platform key", () => parsePlatformKey(bytes));
  const spkiSha256 = toHex(sha256(key.spki)).slice(2);
  const root = trustRoots.find((candidate) => candidate.spkiSha256 === spkiSha256);
  if (root === undefined) throw new EvidenceError("CHAIN_UNTRUSTED", `the platform key ${spkiSha256} is not trusted`);
  return { key, root };
}

/** Verifies a message by a key whose curve says the algorithm; throws `EvidenceError`. */
export async function checkSignature(message: CoseSign1, key: PublicKey): Promise<void> {
  const algorithm = ALGORITHMS[key.curve ?? ""];
  if (algorithm === undefined || algorithmOf(message) !== algorithm) {
    throw new EvidenceError("SIGNATURE_INVALID", `the message is not signed by a key on ${key.curve ?? "no curve"}`);
  }
  await verifyCoseSign1(message, await importKey(key), algorithm);
}

function checkBinding({ platform, realm }: CcaToken): void {
  const { publicKeyBytes, publicKeyHashAlgorithm } = realm.claims;
  if (!equal(HASHES[publicKeyHashAlgorithm](publicKeyBytes), platform.claims.challenge)) {
    throw new EvidenceError("BINDING_MISMATCH", "the platform's challenge is not the hash of the realm's key");
  }
}
