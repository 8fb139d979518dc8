import { isZero } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";

/** Processor lines, each with a root key of its own; Bergamo and Siena are endorsed as Genoa. */
export type Product = "Milan" | "Genoa" | "Turin";

/** Security version numbers of the parts of a platform's trusted computing base. */
export interface TcbVersion {
  /** Turin only. */
  readonly fmc?: number;
  readonly bl: number;
  readonly tee: number;
  readonly snp: number;
  readonly ucode: number;
}

/** The parts of a TCB version in order. */
export const TCB_PARTS = ["fmc", "bl", "tee", "snp", "ucode"] as const;

type Offsets = Readonly<Record<keyof Required<TcbVersion>, number | undefined>>;

const PRODUCTS: readonly Product[] = ["Milan", "Genoa", "Turin"];
const EARLY: Offsets = { fmc: undefined, bl: 0, tee: 1, snp: 6, ucode: 7 };
const FROM_TURIN: Offsets = { fmc: 0, bl: 1, tee: 2, snp: 3, ucode: 7 };

/** CPUID family, and models from and to, of each line. */
const CPUIDS: readonly [Product, number, number, number][] = [
  ["Milan", 0x19, 0x00, 0x0f],
  ["Genoa", 0x19, 0x10, 0x1f],
  ["Genoa", 0x19, 0xa0, 0xaf],
  ["Turin", 0x1a, 0x00, 0x1f],
];

/** The line of a product name such as `Milan-B0`; undefined where it is of none. */
export function productNamed(name: string): Product | undefined {
  return PRODUCTS.find((product) => name === product || name.startsWith(`${product}-`));
}

/** The line of a CPUID family and model; undefined where it is of none. */
export function productOf({ family, model }: { family: number; model: number }): Product | undefined {
  return CPUIDS.find(([, of, from, to]) => family === of && model >= from && model <= to)?.[0];
}

/**
 * Reads the 8 bytes of a TCB version; throws `EvidenceError` `EVIDENCE_MALFORMED` where reserved bytes are not zero.
 * @see AMD publication 56860, table TCB_VERSION, with Turin's own layout
 */
export function readTcb(bytes: Uint8Array, product: Product): TcbVersion {
  const offsets = product === "Turin" ? FROM_TURIN : EARLY;
  const used = new Set(Object.values(offsets));
  if (!isZero(bytes.filter((_, index) => !used.has(index)))) {
    throw new EvidenceError("EVIDENCE_MALFORMED", `reserved bytes of a TCB version of ${product} are not zero`);
  }
  const at = (offset: number | undefined): number => (offset === undefined ? 0 : (bytes[offset] ?? 0));
  return {
    ...(offsets.fmc === undefined ? {} : { fmc: at(offsets.fmc) }),
    bl: at(offsets.bl),
    tee: at(offsets.tee),
    snp: at(offsets.snp),
    ucode: at(offsets.ucode),
  };
}

/** The first part in which `tcb` is above `limit`; undefined where none is. */
export function partAbove(tcb: TcbVersion, limit: TcbVersion): string | undefined {
  return TCB_PARTS.find((part) => (tcb[part] ?? 0) > (limit[part] ?? 0));
}

/** A TCB version for people. */
export function tcbText(tcb: TcbVersion): string {
  return TCB_PARTS.flatMap((part) => (tcb[part] === undefined ? [] : [`${part} ${tcb[part]}`])).join(", ");
}
