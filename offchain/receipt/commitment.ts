import { sha256 } from "#crypto";
import { toHex } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import { canonicalParts } from "../encoding/tensor.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { malformed } from "./typed.ts";

/** Bytes of a salt. */
export const SALT_LENGTH = 32;

/**
 * The commitment to tensors under a 32-byte salt: hiding while the salt is secret, binding always.
 * Throws `ReceiptError` `RECEIPT_MALFORMED` for another length of salt and `ModelError` `INPUT_INVALID` for bad tensors.
 * @see docs/protocol.md section 6
 */
export function commitTensors(salt: Uint8Array, tensors: readonly Tensor[]): Hex {
  if (salt.length !== SALT_LENGTH) throw malformed(`a salt must be ${SALT_LENGTH} bytes`);
  return toHex(sha256(salt, ...canonicalParts(tensors)));
}
