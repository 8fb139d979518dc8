import { recoverAddress, signDigest } from "#crypto";
import { typedDataDigest } from "../crypto/eip712.ts";
import type { StructType, TypedValue } from "../crypto/eip712.ts";
import { parseHex, toHex } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ReceiptError } from "../errors.ts";

/** The EIP-712 domain of one `InferenceEscrow` deployment. */
export interface EscrowDomain {
  readonly chainId: bigint;
  /** 20 bytes. */
  readonly verifyingContract: Hex;
}

type Member = Hex | bigint | number;

/** Makes the error for bytes or values that are no voucher, receipt or message. */
export function malformed(message: string): ReceiptError {
  return new ReceiptError("RECEIPT_MALFORMED", message);
}

/** The EIP-712 digest under an escrow's domain; throws `ReceiptError` `RECEIPT_MALFORMED` where a value does not fit its type. */
export function escrowDigest<Name extends string>(
  domain: EscrowDomain,
  type: StructType<Name>,
  value: Readonly<Record<Name, Member>>,
): Uint8Array {
  const entries = type.members.map(({ name }) => [name, typedValue(value[name])]);
  try {
    return typedDataDigest(
      {
        name: "Cloister InferenceEscrow",
        chainId: domain.chainId,
        verifyingContract: bytesOf(domain.verifyingContract),
      },
      type,
      Object.fromEntries(entries) as Record<Name, TypedValue>,
    );
  } catch (error) {
    if (error instanceof RangeError) throw malformed(error.message);
    throw error;
  }
}

/** Signs a digest: 65 bytes `r || s || v`. */
export function signHex(digest: Uint8Array, privateKey: Uint8Array): Hex {
  return toHex(signDigest(privateKey, digest));
}

/** Throws `ReceiptError` `SIGNATURE_INVALID` where the signature over the digest is not the signer's. */
export function checkSigner(digest: Uint8Array, signature: Hex, signer: Hex): void {
  const recovered = recoverAddress(digest, bytesOf(signature));
  if (recovered === undefined || toHex(recovered) !== signer.toLowerCase())
    throw new ReceiptError("SIGNATURE_INVALID", `the signature is not that of ${signer}`);
}

/** Says whether two hex values are the same bytes. */
export function sameHex(a: Hex, b: Hex): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function typedValue(member: Member): TypedValue {
  return typeof member === "string" ? bytesOf(member) : member;
}

function bytesOf(hex: Hex): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw malformed("a value is not 0x-hex");
  return bytes;
}
