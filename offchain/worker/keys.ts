import { createSigningKey, signingAddress } from "#crypto";
import { toHex, type Hex } from "../encoding/bytes.ts";
import type { SealingKey } from "../sealing/hpke.ts";
import { createSealingKey } from "../sealing/request.ts";

/** The keys of one key epoch: born when the worker starts, held in memory only, gone when it stops. */
export interface EnclaveKeys {
  /** secp256k1 private key, 32 bytes. */
  readonly signingKey: Uint8Array;
  /** The address of the signing key. */
  readonly signingAddress: Hex;
  readonly sealingKey: SealingKey;
}

/** Makes fresh enclave keys. */
export async function createEnclaveKeys(): Promise<EnclaveKeys> {
  const signingKey = createSigningKey();
  return { signingKey, signingAddress: toHex(signingAddress(signingKey)), sealingKey: await createSealingKey() };
}
