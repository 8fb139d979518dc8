import { ConfigError } from "../errors.ts";

/** The smallest units in an amount of whole tokens such as "1.5"; throws `ConfigError` for anything that is not exact. */
export function parseAmount(text: string, decimals: number): bigint {
  const [, whole = "", fraction = ""] = /^(\d{1,60})(?:\.(\d{1,60}))?$/.exec(text) ?? [];
  const kept = fraction.replace(/0+$/, "");
  if (whole === "" || kept.length > decimals) {
    throw new ConfigError("CONFIG_INVALID", `"${text}" is no amount of tokens with up to ${decimals} decimals`, {
      next: 'Give an amount in whole tokens such as "1.5".',
    });
  }
  return BigInt(whole + kept.padEnd(decimals, "0"));
}

/** An amount of smallest units in whole tokens, without zeros at the end. */
export function formatAmount(units: bigint, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, "0");
  const split = digits.length - decimals;
  const fraction = digits.slice(split).replace(/0+$/, "");
  return fraction === "" ? digits.slice(0, split) : `${digits.slice(0, split)}.${fraction}`;
}
