import { sha256 } from "#crypto";
import { asciiText, parseHex, toHex, utf8 } from "../encoding/bytes.ts";
import type { Claims } from "../evidence/scheme.ts";

const MEASUREMENT = "measurement";
const OPAQUE = "opaque";
/** The manifest cuts longer hex. */
const MAX_HEX = 200;

/** The claims of a device's report under the names and in the forms of the conformance vectors. */
export function deviceFields({ measurements, details }: Claims): Readonly<Record<string, unknown>> {
  const values = Object.entries(measurements).map(([name, value]) => [name.slice(MEASUREMENT.length), value] as const);
  const list = `{${values.map(([index, value]) => `"${index}": "${value}"`).join(", ")}}`;
  return {
    measurementsSha256: toHex(sha256(utf8(list))).slice(2),
    firstMeasurement: values[0]?.[1],
    opaque: Object.fromEntries(
      Object.entries(details).flatMap(([name, value]) =>
        name.startsWith(OPAQUE) && typeof value === "string" ? [[name.slice(OPAQUE.length), textOrHex(value)]] : [],
      ),
    ),
  };
}

/** Printable ASCII without the zero bytes at its end, otherwise the hex as it is. */
function textOrHex(hex: string): string {
  const text = asciiText(parseHex(`0x${hex}`) ?? new Uint8Array()).replace(/\0+$/, "");
  return /^[ -~]*$/.test(text) ? text : hex.slice(0, MAX_HEX);
}
