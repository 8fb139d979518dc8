/** What the simulated machines of each processor line have in common. */
import type { Product, TcbVersion } from "../../../evidence/sev-snp/product.ts";

/** Every processor line that is simulated. */
export const PRODUCTS: readonly Product[] = ["Milan", "Genoa", "Turin"];

/** One line as AMD's certificates and reports describe it. */
export interface ProductLine {
  /** As VCEK certificates name it. */
  readonly name: string;
  /** Of the certificate extensions. */
  readonly structureVersion: number;
  /** Family, model and stepping. */
  readonly cpuid: readonly [number, number, number];
  readonly tcb: TcbVersion;
  /** The ARK's serial number; its authorities count on from it. */
  readonly serial: number;
  /** Bytes of the hardware id. */
  readonly hwidLength: number;
  /** The certificate extensions with SVNs by the end of their identifiers, in AMD's order; null is a spare, zero. */
  readonly svnExtensions: readonly (readonly [number, keyof TcbVersion | null])[];
  /** The bytes of a TCB version; null is reserved. */
  readonly tcbLayout: readonly (keyof TcbVersion | null)[];
}

/** Spares 4 to 7 stand before the SNP firmware's. */
const EARLY = {
  structureVersion: 0,
  hwidLength: 64,
  svnExtensions: [
    [1, "bl"],
    [2, "tee"],
    [4, null],
    [5, null],
    [6, null],
    [7, null],
    [3, "snp"],
    [8, "ucode"],
  ],
  tcbLayout: ["bl", "tee", null, null, null, null, "snp", "ucode"],
} as const;

const FROM_TURIN = {
  structureVersion: 1,
  hwidLength: 8,
  svnExtensions: [
    [9, "fmc"],
    [1, "bl"],
    [2, "tee"],
    [3, "snp"],
    [5, null],
    [6, null],
    [7, null],
    [8, "ucode"],
  ],
  tcbLayout: ["fmc", "bl", "tee", "snp", null, null, null, "ucode"],
} as const;

/** @see AMD publication 57230 for the extensions, 56860 for CPUID and TCB_VERSION */
export const LINES: Readonly<Record<Product, ProductLine>> = {
  Milan: {
    ...EARLY,
    name: "Milan-B0",
    cpuid: [0x19, 0x01, 0x01],
    tcb: { bl: 4, tee: 0, snp: 24, ucode: 219 },
    serial: 0x01_0000,
  },
  Genoa: {
    ...EARLY,
    name: "Genoa",
    cpuid: [0x19, 0x11, 0x01],
    tcb: { bl: 10, tee: 0, snp: 23, ucode: 84 },
    serial: 0x02_0000,
  },
  Turin: {
    ...FROM_TURIN,
    name: "Turin",
    cpuid: [0x1a, 0x02, 0x01],
    tcb: { fmc: 1, bl: 1, tee: 1, snp: 4, ucode: 81 },
    serial: 0x03_0000,
  },
};

/** The 8 bytes of a TCB version. @see AMD publication 56860, table TCB_VERSION */
export function tcbBytes(product: Product, tcb: TcbVersion): Uint8Array {
  return Uint8Array.from(LINES[product].tcbLayout, (part) => (part === null ? 0 : (tcb[part] ?? 0)));
}

/** A TCB version of the parts that a line has. */
export function tcbFrom(product: Product, svnOf: (part: keyof TcbVersion) => number): TcbVersion {
  return {
    ...(LINES[product].tcb.fmc === undefined ? {} : { fmc: svnOf("fmc") }),
    bl: svnOf("bl"),
    tee: svnOf("tee"),
    snp: svnOf("snp"),
    ucode: svnOf("ucode"),
  };
}

/** A TCB version with so many more in every part. */
export function movedTcb(product: Product, tcb: TcbVersion, by: number): TcbVersion {
  return tcbFrom(product, (part) => Math.max(0, (tcb[part] ?? 0) + by));
}
