import { keccak256 } from "#crypto";
import { structType } from "../crypto/eip712.ts";
import { concat, parseHex, toHex, uintBytes, type Hex } from "../encoding/bytes.ts";
import { messageDigest, type ContractDomain } from "./typed-message.ts";

/** Where `NodeRegistry` is deployed. */
export type RegistryDomain = ContractDomain;

/** What a node's evidence binds together; `operator` and `signingKey` are addresses, the others 32 bytes. */
export interface NodeBinding {
  readonly nodeId: Hex;
  readonly operator: Hex;
  /** Address of the enclave's secp256k1 key. */
  readonly signingKey: Hex;
  /** The enclave's raw X25519 public key. */
  readonly sealingKey: Hex;
  /** See `gpuEvidenceHashOf`. */
  readonly gpuEvidenceHash: Hex;
  /** SHA-256 of the worker's canonical configuration. */
  readonly configHash: Hex;
}

/** The block that says how fresh evidence is. */
export interface Anchor {
  readonly blockNumber: bigint;
  /** 32 bytes. */
  readonly blockHash: Hex;
}

const NODE_BINDING = structType<keyof NodeBinding>(
  "NodeBinding(bytes32 nodeId,address operator,address signingKey,bytes32 sealingKey,bytes32 gpuEvidenceHash,bytes32 configHash)",
);

/** What the nonce of a device's report is made of. */
type DeviceNonce = Pick<NodeBinding, "nodeId" | "operator" | "signingKey" | "sealingKey"> & Anchor;

const DEVICE_NONCE = structType<keyof DeviceNonce>(
  "DeviceNonce(bytes32 nodeId,address operator,address signingKey,bytes32 sealingKey,uint64 blockNumber,bytes32 blockHash)",
);

/**
 * The 32-byte digest of a binding under the registry's domain; throws `RangeError` where a member does not fit.
 * @see docs/protocol.md section 3
 */
export function bindingDigest(domain: RegistryDomain, binding: NodeBinding): Uint8Array {
  return messageDigest({ ...domain, name: "Cloister NodeRegistry" }, NODE_BINDING, { ...binding });
}

/**
 * The 64 bytes of report data: digest, block number, first 24 bytes of the block's hash.
 * @see docs/protocol.md section 3
 */
export function reportDataOf(domain: RegistryDomain, binding: NodeBinding, anchor: Anchor): Uint8Array {
  const blockHash = parseHex(anchor.blockHash, 32);
  if (blockHash === undefined) throw new RangeError("anchor.blockHash is not bytes32");
  return concat(bindingDigest(domain, binding), uintBytes(anchor.blockNumber, 8), blockHash.subarray(0, 24));
}

/**
 * The 32 bytes that every device of a node is asked to sign, over the same anchor as the node's own evidence; throws
 * `RangeError` where a member does not fit.
 * @see docs/protocol.md section 3
 */
export function deviceNonceOf(
  domain: RegistryDomain,
  binding: Omit<NodeBinding, "gpuEvidenceHash" | "configHash">,
  anchor: Anchor,
): Uint8Array {
  const { nodeId, operator, signingKey, sealingKey } = binding;
  const message = { nodeId, operator, signingKey, sealingKey, ...anchor };
  return messageDigest({ ...domain, name: "Cloister NodeRegistry" }, DEVICE_NONCE, message);
}

/**
 * The hash that a binding names of the evidence of a node's devices, in their order; zero without a device.
 * @see docs/protocol.md section 3
 */
export function gpuEvidenceHashOf(devices: readonly { readonly evidence: Uint8Array }[]): Hex {
  if (devices.length === 0) return toHex(new Uint8Array(32));
  return toHex(keccak256(...devices.map(({ evidence }) => keccak256(evidence))));
}
