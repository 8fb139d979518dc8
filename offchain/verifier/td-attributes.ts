import { parseHex, viewOf } from "../encoding/bytes.ts";

/**
 * The bits of a TD's attributes and extended features that a verifier knows.
 * @see Intel TDX Module ABI Reference Specification, ATTRIBUTES and XFAM
 */
const TUD = 0xffn;
const TUD_DEBUG = 0x01n;
/** ICSSD, LASS, SEPT_VE_DISABLE, MIGRATABLE, PKS, KL; TPA, PERFMON. */
const KNOWN_ATTRIBUTES = bits(16, 27, 28, 29, 30, 31, 62, 63);
/** X87 and SSE are always there. */
const XFAM_FIXED_ONE = bits(0, 1);
/** X87, SSE, AVX, AVX-512, PT, PKRU, CET, UINTR, LBR, AMX, APX. */
const KNOWN_XFAM = bits(0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18, 19);

/** Why attributes (8 bytes little-endian, hex) are not acceptable; undefined where they are. Profiling counts as debug. */
export function tdAttributesFault(hex: string, allowDebug: boolean): string | undefined {
  const value = fromLittleEndian(hex);
  const untrusted = value & TUD & (allowDebug ? ~TUD_DEBUG : ~0n);
  if (untrusted !== 0n) return `TD attributes ${hex} set TUD bits: the TD is under debug or profiling`;
  if ((value & ~TUD & ~KNOWN_ATTRIBUTES) !== 0n) return `TD attributes ${hex} set reserved bits`;
  return undefined;
}

/** What is wrong or unknown in extended features (8 bytes little-endian, hex). Unknown ones are no fault: the module only allows what the processor has. */
export function xfamFindings(hex: string): { readonly fault?: string; readonly unknown?: string } {
  const value = fromLittleEndian(hex);
  if ((value & XFAM_FIXED_ONE) !== XFAM_FIXED_ONE) return { fault: `XFAM ${hex} lacks bits that are always set` };
  return (value & ~KNOWN_XFAM) === 0n ? {} : { unknown: `XFAM ${hex} sets bits of unknown features` };
}

function bits(...positions: readonly number[]): bigint {
  return positions.reduce((mask, position) => mask | (1n << BigInt(position)), 0n);
}

function fromLittleEndian(hex: string): bigint {
  return viewOf(parseHex(`0x${hex}`) ?? new Uint8Array()).getBigUint64(0, true);
}
