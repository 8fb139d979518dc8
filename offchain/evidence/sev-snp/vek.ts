import { EvidenceError } from "../../errors.ts";
import type { Certificate } from "../../x509/certificate.ts";
import { DER, DerReader } from "../../x509/der.ts";
import { productNamed, type Product, type TcbVersion } from "./product.ts";

/** What AMD says of the platform in a VCEK or VLEK certificate. */
export interface VekExtensions {
  readonly product: Product;
  /** As it stands, such as `Milan-B0`. */
  readonly productName: string;
  readonly tcb: TcbVersion;
  /** 64 bytes, 8 for Turin; undefined in a VLEK certificate. */
  readonly hwid: Uint8Array | undefined;
  /** The cloud provider that a VLEK is for; undefined in a VCEK certificate. */
  readonly cspId: string | undefined;
}

const ARC = "1.3.6.1.4.1.3704.1";
const OID = {
  productName: `${ARC}.2`,
  bl: `${ARC}.3.1`,
  tee: `${ARC}.3.2`,
  snp: `${ARC}.3.3`,
  ucode: `${ARC}.3.8`,
  fmc: `${ARC}.3.9`,
  hwid: `${ARC}.4`,
  cspId: `${ARC}.5`,
} as const;

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `VEK certificate: ${message}`);

/**
 * Reads AMD's extensions of a VCEK or VLEK certificate; throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see AMD publication 57230, tables of the VCEK and VLEK certificate extensions
 */
export function readVekExtensions(certificate: Certificate): VekExtensions {
  const name = textOf(certificate, OID.productName);
  if (name === undefined) throw malformed("no product name");
  const product = productNamed(name);
  if (product === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `product ${name}`);
  return {
    product,
    productName: name,
    tcb: {
      ...(product === "Turin" ? { fmc: svn(certificate, OID.fmc) } : {}),
      bl: svn(certificate, OID.bl),
      tee: svn(certificate, OID.tee),
      snp: svn(certificate, OID.snp),
      ucode: svn(certificate, OID.ucode),
    },
    hwid: hwidOf(certificate, product === "Turin" ? 8 : 64),
    cspId: textOf(certificate, OID.cspId),
  };
}

function svn(certificate: Certificate, oid: string): number {
  const value = certificate.extensions.get(oid)?.value;
  if (value === undefined) throw malformed(`extension ${oid} is missing`);
  const reader = new DerReader(value);
  const number = reader.uint32(oid);
  reader.end(oid);
  if (number > 0xff) throw malformed(`an SVN of ${number}`);
  return number;
}

function textOf(certificate: Certificate, oid: string): string | undefined {
  const value = certificate.extensions.get(oid)?.value;
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  const text = reader.content(DER.ia5String, oid);
  reader.end(oid);
  return new TextDecoder().decode(text);
}

/** The hardware id, which stands in the extension as it is, or as an OCTET STRING. */
function hwidOf(certificate: Certificate, length: number): Uint8Array | undefined {
  const value = certificate.extensions.get(OID.hwid)?.value;
  if (value === undefined || value.length === length) return value;
  const reader = new DerReader(value);
  const hwid = reader.octetString("hwID");
  reader.end("hwID");
  if (hwid.length !== length) throw malformed(`a hardware id of ${hwid.length} bytes`);
  return hwid;
}
