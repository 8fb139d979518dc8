import { keccak256 } from "#crypto";

/** The value of one member: a number for `uintN`, bytes for `bytesN`, `address`. */
export type TypedValue = bigint | number | Uint8Array;

/** A flat EIP-712 struct type: members are `uint8..uint256`, `bytes32` or `address`. */
export interface StructType<Name extends string = string> {
  readonly name: string;
  readonly members: readonly { readonly name: Name; readonly type: string }[];
}

/** An EIP-712 domain; the version is always "1". */
export interface Domain {
  readonly name: string;
  readonly chainId: bigint;
  /** 20 bytes. */
  readonly verifyingContract: Uint8Array;
}

const encoder = new TextEncoder();
const DOMAIN_TYPE = encoder.encode(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);

/** Reads a struct type from its EIP-712 encoding, `Name(type member,...)`. */
export function structType<Name extends string>(encoded: string): StructType<Name> {
  const [, name = "", list = ""] = /^(\w+)\((.*)\)$/.exec(encoded) ?? [];
  const members = list.split(",").map((member) => {
    const [type = "", label = ""] = member.split(" ");
    return { name: label as Name, type };
  });
  return { name, members };
}

/**
 * The digest to sign for a flat struct under a domain; throws `RangeError` where a value does not fit its type.
 * @see EIP-712, definition of hashStruct and of the domain separator
 */
export function typedDataDigest<Name extends string>(
  domain: Domain,
  type: StructType<Name>,
  value: Readonly<Record<Name, TypedValue>>,
): Uint8Array {
  return keccak256(Uint8Array.of(0x19, 0x01), domainSeparator(domain), hashStruct(type, value));
}

/** The hash of a flat struct. */
export function hashStruct<Name extends string>(
  type: StructType<Name>,
  value: Readonly<Record<Name, TypedValue>>,
): Uint8Array {
  const encoded = `${type.name}(${type.members.map((member) => `${member.type} ${member.name}`).join(",")})`;
  const words = type.members.map((member) => word(member.type, value[member.name], `${type.name}.${member.name}`));
  return keccak256(keccak256(encoder.encode(encoded)), ...words);
}

/** The hash of a domain. */
export function domainSeparator(domain: Domain): Uint8Array {
  return keccak256(
    keccak256(DOMAIN_TYPE),
    keccak256(encoder.encode(domain.name)),
    keccak256(encoder.encode("1")),
    word("uint256", domain.chainId, "domain.chainId"),
    word("address", domain.verifyingContract, "domain.verifyingContract"),
  );
}

function word(type: string, value: TypedValue, where: string): Uint8Array {
  if (type === "address" || type === "bytes32") {
    const width = type === "address" ? 20 : 32;
    if (!(value instanceof Uint8Array) || value.length !== width)
      throw new RangeError(`${where} is not ${width} bytes`);
    const padded = new Uint8Array(32);
    padded.set(value, 32 - width);
    return padded;
  }
  const bits = Number(/^uint(\d+)$/.exec(type)?.[1]);
  if (value instanceof Uint8Array || !(bits > 0)) throw new RangeError(`${where} is not a ${type}`);
  const number = BigInt(value);
  if (number < 0n || number >= 1n << BigInt(bits)) throw new RangeError(`${where} does not fit ${type}`);
  return Uint8Array.from(Buffer.from(number.toString(16).padStart(64, "0"), "hex"));
}
