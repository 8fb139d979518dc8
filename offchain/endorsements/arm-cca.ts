import { parsePlatformKey } from "../evidence/arm-cca/platform-key.ts";
import { parseToken, type CcaToken } from "../evidence/arm-cca/token.ts";
import { checkSignature } from "../evidence/arm-cca/verify.ts";
import { CloisterError } from "../errors.ts";
import type { Endorsements } from "../verifier/family.ts";
import type { PublicKey } from "../x509/signature.ts";
import { unlessCoded } from "./classify.ts";
import type { Plan } from "./plan.ts";

/** A platform's key is at no service: whoever runs or has checked the platform gives it. */
export function ccaPlan({ cca: given = {} }: Endorsements): Plan {
  return {
    requests: [],
    lacking: given.platformKey === undefined ? ["the public key of the platform (CPAK)"] : [],
    assemble: () => ({ cca: given }),
  };
}

/**
 * Chooses among files the public key (PEM, DER, JWK or COSE_Key) that signed a token, or else any of its kind. Nothing is verified but
 * that signature: whether the key is trusted is verification's. Undefined where no file is a key.
 */
export async function loadCca(
  files: readonly Uint8Array[],
  { evidence }: { readonly evidence: Uint8Array },
): Promise<Endorsements | undefined> {
  const token = parseToken(evidence);
  const keys = files.flatMap((bytes) => {
    const key = unlessCoded(() => parsePlatformKey(bytes));
    return key === undefined ? [] : [{ bytes, key }];
  });
  for (const { bytes, key } of keys) if (await hasSigned(key, token)) return { cca: { platformKey: bytes } };
  const [first] = keys;
  return first === undefined ? undefined : { cca: { platformKey: first.bytes } };
}

async function hasSigned(key: PublicKey, { platform }: CcaToken): Promise<boolean> {
  try {
    await checkSignature(platform.message, key);
    return true;
  } catch (error) {
    if (error instanceof CloisterError) return false;
    throw error;
  }
}
