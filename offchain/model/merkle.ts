import { sha256 } from "#crypto";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/**
 * The Merkle tree hash (32 bytes) over leaves in order; of no leaves it is the hash of nothing.
 * @see RFC 9162 section 2.1.1
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  return subtree(leaves.map((leaf) => sha256(LEAF, leaf)));
}

function subtree(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes;
  if (first !== undefined && hashes.length === 1) return first;
  const split = 2 ** (31 - Math.clz32(hashes.length - 1));
  return sha256(NODE, subtree(hashes.slice(0, split)), subtree(hashes.slice(split)));
}
