import { structType } from "../crypto/eip712.ts";
import type { Hex } from "../encoding/bytes.ts";
import { escrowDigest, signHex } from "./typed.ts";
import type { EscrowDomain } from "./typed.ts";

/** What an enclave says that payers owe who allowed its lists. @see docs/protocol.md section 5 */
export interface SettlementList {
  readonly nodeId: Hex;
  readonly keyEpoch: number;
  /** Grows from list to list of one node and key epoch. */
  readonly sequence: bigint;
  /** 32 bytes for each payer: address 20, cumulative amount 12; payers ascend. */
  readonly entries: Hex;
}

const LIST = structType<keyof SettlementList>(
  "SettlementList(bytes32 nodeId,uint32 keyEpoch,uint64 sequence,bytes entries)",
);

/** The digest an enclave signs; throws `ReceiptError` `RECEIPT_MALFORMED` where a value does not fit its type. */
export function listDigest(domain: EscrowDomain, list: SettlementList): Uint8Array {
  return escrowDigest(domain, LIST, list);
}

/** Signs a list with the enclave's secp256k1 key (32 bytes). */
export function signList(domain: EscrowDomain, list: SettlementList, privateKey: Uint8Array): Hex {
  return signHex(listDigest(domain, list), privateKey);
}
