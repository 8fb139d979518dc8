/** VCEK and VLEK keys and certificates of the simulated AMD. */
import { createPublicKey } from "node:crypto";
import { toHex, utf8, type Hex } from "../../../encoding/bytes.ts";
import type { Product, TcbVersion } from "../../../evidence/sev-snp/product.ts";
import type { SigningKey } from "../../../evidence/sev-snp/report.ts";
import { element, integer } from "../../../x509/der-writer.ts";
import type { RawExtension } from "../../../x509/issue-extensions.ts";
import { issueCertificate } from "../../../x509/issue.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import { LINES, tcbBytes } from "./product.ts";
import { amdIssuer, amdName, type SimulatedAmd } from "./vendor.ts";

/** What a key that signs reports is for. */
export interface VekSubject {
  readonly product: Product;
  readonly type: SigningKey;
  /** The chip's, 64 bytes, 8 for Turin; a VLEK is of no single chip. */
  readonly hwid: Hex;
  readonly tcb: TcbVersion;
}

export interface VekOptions {
  /** Milliseconds since 1970; seven years after its begin where not given, one for a VLEK. */
  readonly notAfter?: number;
  /** Who signs in place of the issuer that the certificate names. */
  readonly signedBy?: "asvk" | "ask";
  /** Whose key is certified; the subject's own where not given. */
  readonly keyOf?: VekSubject;
}

const ARC = "1.3.6.1.4.1.3704.1";
/** AMD gives every VCEK this serial number. */
const SERIAL = Uint8Array.of(0);
const DAY = 86_400_000;
const YEARS: Readonly<Record<SigningKey, number>> = { VCEK: 7, VLEK: 1 };
/** The cloud provider that every simulated VLEK is for. */
const CSP_ID = "CN=SIMULATED cloud";

/** The private scalar of a VCEK or VLEK: as on a real chip, another TCB gives another key. */
export function vekScalar(vendor: Pick<SimulatedAmd, "seed">, { product, type, hwid, tcb }: VekSubject): Hex {
  const of = type === "VCEK" ? hwid : CSP_ID;
  return deriveP384(vendor.seed, `${type}/${product}/${of}/${toHex(tcbBytes(product, tcb))}`);
}

/** Certifies the key of a chip (or cloud) at a TCB, as DER. @see AMD publication 57230, VCEK and VLEK certificates */
export function certifyVek(vendor: SimulatedAmd, subject: VekSubject, options: VekOptions = {}): Uint8Array {
  const { product, type } = subject;
  const named = type === "VCEK" ? "ask" : "asvk";
  const notBefore = vendor.createdAt - DAY;
  const notAfter = options.notAfter ?? notBefore + YEARS[type] * 365 * DAY;
  const issuer = amdIssuer(vendor.keys, product, named);
  const { privateKey } = amdIssuer(vendor.keys, product, options.signedBy ?? named);
  const certificate = {
    serial: SERIAL,
    subject: amdName(`SEV-${type}`),
    publicKey: createPublicKey(p384Key(vekScalar(vendor, options.keyOf ?? subject))),
    notBefore: Math.min(notBefore, notAfter - DAY),
    notAfter,
    extensions: vekExtensions(subject),
  };
  return issueCertificate(certificate, { ...issuer, privateKey });
}

/** @see AMD publication 57230, tables of the VCEK and VLEK certificate extensions */
function vekExtensions({ product, type, hwid, tcb }: VekSubject): readonly RawExtension[] {
  const { name, structureVersion, svnExtensions } = LINES[product];
  const ia5 = (text: string): Uint8Array => element("ia5String", utf8(text));
  const members: readonly (readonly [string, Uint8Array])[] = [
    ["1", integer(structureVersion)],
    ["2", ia5(type === "VCEK" ? name : product)],
    ...svnExtensions.map(([id, part]) => [`3.${id}`, integer(part === null ? 0 : (tcb[part] ?? 0))] as const),
    type === "VCEK" ? ["4", bytesOf(hwid)] : ["5", ia5(CSP_ID)],
  ];
  return members.map(([id, value]) => ({ oid: `${ARC}.${id}`, critical: false, value }));
}
