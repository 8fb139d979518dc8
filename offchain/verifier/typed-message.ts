import { typedDataDigest, type Domain, type StructType, type TypedValue } from "../crypto/eip712.ts";
import { parseHex, type Hex } from "../encoding/bytes.ts";

/** A contract on a chain that an EIP-712 domain names. */
export interface ContractDomain {
  readonly chainId: bigint;
  /** 20 bytes. */
  readonly verifyingContract: Hex;
}

/** The EIP-712 digest of a struct whose `address` and `bytes32` members are hex; throws `RangeError` where one does not fit. */
export function messageDigest<Name extends string>(
  domain: ContractDomain & { readonly name: string },
  type: StructType<Name>,
  message: Readonly<Record<Name, Hex | bigint | number>>,
): Uint8Array {
  const values = type.members.map((member) => [member.name, typedValue(member, message[member.name])] as const);
  return typedDataDigest(bytesDomain(domain), type, Object.fromEntries(values) as Record<Name, TypedValue>);
}

function typedValue(member: { name: string; type: string }, value: Hex | bigint | number): TypedValue {
  if (member.type !== "address" && member.type !== "bytes32") return value as bigint | number;
  const bytes = parseHex(value, member.type === "address" ? 20 : 32);
  if (bytes === undefined) throw new RangeError(`${member.name} is not ${member.type}`);
  return bytes;
}

function bytesDomain(domain: ContractDomain & { readonly name: string }): Domain {
  const verifyingContract = parseHex(domain.verifyingContract, 20);
  if (verifyingContract === undefined) throw new RangeError("verifyingContract is not an address");
  return { name: domain.name, chainId: domain.chainId, verifyingContract };
}
