import { Interface, type ParamType, type Result } from "ethers";
import { ABI, LIBRARY_ERRORS, type ContractName } from "./abi.ts";

/** Parsed ABIs by contract name. */
export const INTERFACES = Object.fromEntries(
  Object.entries(ABI).map(([name, abi]) => [name, new Interface([...abi])]),
) as Record<ContractName, Interface>;

/** Every error of every contract, for whoever does not know which contract reverted. */
export const ALL_ERRORS = new Interface(
  [...new Set([...Object.values(ABI).flat(), ...LIBRARY_ERRORS])].filter((line) => line.startsWith("error ")),
);

/**
 * Turns what ethers decoded into domain values: integers up to 48 bits are numbers and larger ones bigint, addresses
 * and byte strings are lower-case hex, structs are plain objects under their members' names.
 */
export function domainValue(type: ParamType, value: unknown): unknown {
  if (type.baseType === "array") {
    const child = type.arrayChildren;
    return child === null ? [] : [...(value as Result)].map((item) => domainValue(child, item));
  }
  if (type.baseType === "tuple") return domainValues(type.components ?? [], value as Result);
  if (type.baseType === "address" || type.baseType.startsWith("bytes")) return (value as string).toLowerCase();
  const bits = /^u?int(\d+)$/.exec(type.baseType)?.[1];
  return bits !== undefined && Number(bits) <= 48 ? Number(value) : value;
}

/** `domainValue` for a list of named parameters. */
export function domainValues(types: readonly ParamType[], values: Result): Readonly<Record<string, unknown>> {
  return Object.fromEntries(types.map((type, index) => [type.name, domainValue(type, values[index])]));
}
