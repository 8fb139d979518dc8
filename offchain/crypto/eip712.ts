import { keccak256, timingSafeEqual } from "#crypto";

/** The value of one member: a number for `uintN`, bytes for `bytes32`, `address` and `bytes`. */
export type TypedValue = bigint | number | Uint8Array;

/** A flat EIP-712 struct type: members are `uint8..uint256`, `bytes32`, `address` or `bytes`. */
export interface StructType<Name extends string = string> {
  readonly name: string;
  readonly members: readonly { readonly name: Name; readonly type: string }[];
  /** keccak256 of the type's encoding. */
  readonly typeHash: Uint8Array;
}

/** An EIP-712 domain; the version is always "1". */
export interface Domain {
  readonly name: string;
  readonly chainId: bigint;
  /** 20 bytes. */
  readonly verifyingContract: Uint8Array;
}

const encoder = new TextEncoder();
const DOMAIN_TYPE_HASH = hashText("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
const VERSION_HASH = hashText("1");
/** The last separator of each name: a program signs under few domains, and hashing one costs as much as a message. */
const separators = new Map<string, Domain & { readonly separator: Uint8Array }>();
const ENCODED_TYPE = /^(\w+)\((\w+ \w+(?:,\w+ \w+)*)\)$/;

/** Reads a struct type from its EIP-712 encoding, `Name(type member,...)`; throws `RangeError` for another text or member type. */
export function structType<Name extends string>(encoded: string): StructType<Name> {
  const [, name, list] = ENCODED_TYPE.exec(encoded) ?? [];
  if (name === undefined || list === undefined) throw new RangeError(`${encoded} is no struct type`);
  const members = list.split(",").map((member) => {
    const [type = "", label = ""] = member.split(" ");
    if (type !== "address" && type !== "bytes32" && type !== "bytes") uintBits(type);
    return { name: label as Name, type };
  });
  return { name, members, typeHash: hashText(encoded) };
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

function hashStruct<Name extends string>(
  type: StructType<Name>,
  value: Readonly<Record<Name, TypedValue>>,
): Uint8Array {
  const words = type.members.map((member) => word(member.type, value[member.name], `${type.name}.${member.name}`));
  return keccak256(type.typeHash, ...words);
}

function domainSeparator(domain: Domain): Uint8Array {
  const known = separators.get(domain.name);
  if (known?.chainId === domain.chainId && timingSafeEqual(known.verifyingContract, domain.verifyingContract))
    return known.separator;
  const separator = keccak256(
    DOMAIN_TYPE_HASH,
    hashText(domain.name),
    VERSION_HASH,
    word("uint256", domain.chainId, "domain.chainId"),
    word("address", domain.verifyingContract, "domain.verifyingContract"),
  );
  separators.set(domain.name, { ...domain, verifyingContract: domain.verifyingContract.slice(), separator });
  return separator;
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
  if (type === "bytes" && value instanceof Uint8Array) return keccak256(value);
  if (value instanceof Uint8Array) throw new RangeError(`${where} is not a ${type}`);
  const number = BigInt(value);
  if (number < 0n || number >= 1n << BigInt(uintBits(type))) throw new RangeError(`${where} does not fit ${type}`);
  return uintWord(number);
}

function uintWord(number: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let limb = 0; limb < 4; limb += 1)
    view.setBigUint64(8 * limb, BigInt.asUintN(64, number >> BigInt(64 * (3 - limb))));
  return bytes;
}

function hashText(text: string): Uint8Array {
  return keccak256(encoder.encode(text));
}

function uintBits(type: string): number {
  const bits = Number(/^uint(\d{1,3})$/.exec(type)?.[1]);
  if (!(bits >= 8 && bits <= 256 && bits % 8 === 0)) throw new RangeError(`${type} is no member type`);
  return bits;
}
