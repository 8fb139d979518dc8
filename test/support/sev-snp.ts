/** Makes AMD SEV-SNP reports with their certificates byte by byte, so that a test can put any defect into one. */
import { sign } from "node:crypto";
import type { SevSnpEndorsements } from "../../offchain/evidence/sev-snp/endorsements.ts";
import type { Product } from "../../offchain/evidence/sev-snp/product.ts";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { trustRootOf } from "../../offchain/verifier/trust-roots.ts";
import {
  certificate,
  createKeys,
  createRsaKeys,
  der,
  extension,
  int,
  revocationList,
  rsaPss,
  type Bytes,
  type CertificateParts,
  type Keys,
  type ListParts,
} from "./pki.ts";

export const CHIP_ID = Buffer.alloc(64, 0xc1);
export const TURIN_CHIP_ID = Buffer.concat([Buffer.alloc(8, 0xc1), Buffer.alloc(56)]);
export const MEASUREMENT = Buffer.alloc(48, 0x3e);
export const REPORT_DATA = Buffer.alloc(64, 0xda);

const ARC = "1.3.6.1.4.1.3704.1";
/** AMD's own form: bits 5 and 6 with the zero bit that ends the octet. */
const AMD_CA_USAGE = [0, 0b0000_0110];

export interface SnpVendor {
  readonly keys: { readonly ark: Keys; readonly ask: Keys; readonly vek: Keys };
  readonly trustRoot: (product: Product) => TrustRoot;
}

let made: SnpVendor["keys"] | undefined;

/** Keys of an authority that is not AMD's, one set for all products; RSA takes a moment, so they are made once. */
export function snpVendor(): SnpVendor {
  const keys = (made ??= { ark: createRsaKeys(), ask: createRsaKeys(), vek: createKeys("P-384") });
  return { keys, trustRoot: (product) => trustRootOf(arkOf({ keys }, product), "test ARK", true) };
}

export interface VekParts {
  readonly product?: Product;
  readonly productName?: string;
  readonly type?: "VCEK" | "VLEK";
  /** Extensions by the rest of their identifiers; undefined leaves one out. */
  readonly extensions?: Readonly<Record<string, Bytes | undefined>>;
  readonly vek?: Partial<CertificateParts>;
  readonly ask?: Partial<CertificateParts>;
  readonly ark?: Partial<CertificateParts>;
}

const ia5 = (text: string): Buffer => der(0x16, Buffer.from(text));

function arkOf({ keys }: Pick<SnpVendor, "keys">, product: Product, parts: Partial<CertificateParts> = {}): Buffer {
  const subject = `ARK-${product}`;
  const base = { subject, issuer: subject, keys: keys.ark, issuerKeys: keys.ark, isCa: true };
  return certificate({ ...base, keyUsage: AMD_CA_USAGE, algorithm: rsaPss(), ...parts });
}

/** VEK, ASK and ARK of a platform with bootloader 4, TEE 0, SNP 24, microcode 219 (Turin: FMC 1). */
export function snpEndorsements(vendor: SnpVendor, parts: VekParts = {}): Required<Omit<SevSnpEndorsements, "crl">> {
  const { product = "Milan", type = "VCEK", productName = product } = parts;
  const { keys } = vendor;
  const authority = type === "VCEK" ? `SEV-${product}` : `SEV-VLEK-${product}`;
  const algorithm = rsaPss();
  const values: Record<string, Bytes | undefined> = {
    "1": int(1),
    "2": ia5(productName),
    "3.1": int(4),
    "3.2": int(0),
    "3.3": int(24),
    "3.8": int(219),
    ...(product === "Turin" ? { "3.9": int(1) } : {}),
    ...(type === "VCEK"
      ? { "4": product === "Turin" ? TURIN_CHIP_ID.subarray(0, 8) : CHIP_ID }
      : { "5": ia5("cloud") }),
    ...parts.extensions,
  };
  const extensions = Object.entries(values).flatMap(([rest, value]) =>
    value === undefined ? [] : [extension(`${ARC}.${rest}`, false, value)],
  );
  const vek = { subject: `SEV-${type}`, issuer: authority, keys: keys.vek, issuerKeys: keys.ask };
  const ask = { subject: authority, issuer: `ARK-${product}`, keys: keys.ask, issuerKeys: keys.ark, isCa: true };
  return {
    vek: certificate({ ...vek, standardExtensions: [], extensions, algorithm, ...parts.vek }),
    ask: certificate({ ...ask, pathLength: 0, keyUsage: [0, 0b0000_0100], algorithm, ...parts.ask }),
    ark: arkOf(vendor, product, parts.ark),
  };
}

/** The ARK's revocation list. */
export function snpCrl(vendor: SnpVendor, parts: Partial<ListParts> = {}): Buffer {
  return revocationList({ issuer: "ARK-Milan", issuerKeys: vendor.keys.ark, algorithm: rsaPss(), ...parts });
}

export interface ReportParts {
  readonly version?: 2 | 3 | 5;
  readonly product?: Product;
  readonly type?: "VCEK" | "VLEK";
  /** Bytes to put at offsets before the report is signed. */
  readonly at?: readonly (readonly [number, Bytes])[];
  readonly keys?: Keys;
}

const CPUIDS: Readonly<Record<Product, readonly [number, number]>> = {
  Milan: [0x19, 1],
  Genoa: [0x19, 0x11],
  Turin: [0x1a, 2],
};

const MILAN_TCB = Buffer.from("04000000000018db", "hex");
const TURIN_TCB = Buffer.from("01040018000000db", "hex");

/** A report, signed by the vendor's VEK. */
export function snpReport(vendor: SnpVendor, parts: ReportParts = {}): Buffer {
  const report = unsigned(parts);
  for (const [offset, bytes] of parts.at ?? []) report.set(bytes, offset);
  const key = (parts.keys ?? vendor.keys.vek).privateKey;
  const signature = sign("sha384", report.subarray(0, 0x2a0), { key, dsaEncoding: "ieee-p1363" });
  report.set(Buffer.from(signature.subarray(0, 48)).reverse(), 0x2a0);
  report.set(Buffer.from(signature.subarray(48)).reverse(), 0x2a0 + 72);
  return report;
}

function unsigned({ version = 3, product = "Milan", type = "VCEK" }: ReportParts): Buffer {
  const report = Buffer.alloc(0x4a0);
  const tcb = product === "Turin" ? TURIN_TCB : MILAN_TCB;
  report.writeUInt32LE(version, 0);
  const fields: readonly (readonly [number, Bytes])[] = [
    [0x08, Buffer.from("1f00030000000000", "hex")],
    [0x34, Buffer.of(1)],
    [0x40, Buffer.of(0x25)],
    [0x48, Buffer.of(type === "VLEK" ? 4 : 0)],
    [0x50, REPORT_DATA],
    [0x90, MEASUREMENT],
    [0x160, Buffer.alloc(32, 0xff)],
    ...[0x38, 0x180, 0x1e0, 0x1f0].map((offset) => [offset, tcb] as const),
    ...[0x1e8, 0x1ec].map((offset) => [offset, Buffer.of(29, 55, 1)] as const),
  ];
  for (const [offset, bytes] of fields) report.set(bytes, offset);
  if (version >= 3) report.set([...CPUIDS[product], 1], 0x188);
  if (type === "VCEK") report.set(product === "Turin" ? TURIN_CHIP_ID : CHIP_ID, 0x1a0);
  if (version === 5) report.set([0x3f], 0x1f8);
  return report;
}
