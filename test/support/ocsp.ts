/** OCSP responses octet by octet, so that a test can put any defect into one. */
import { keyHashOf, certificateIdOf, writeCertificateId, type CertificateIdHash } from "../../offchain/x509/ocsp-id.ts";
import type { Certificate } from "../../offchain/x509/certificate.ts";
import { der, ECDSA_SHA384, NOW, octets, oid, seq, signed, time, type Bytes, type Keys } from "./pki.ts";

const HOUR = 3_600_000;

export const GOOD = der(0x80);
export const UNKNOWN = der(0x82);
export const revoked = (at = NOW - HOUR, reason?: number): Buffer =>
  der(0xa1, time(at), ...(reason === undefined ? [] : [der(0xa0, der(0x0a, Buffer.of(reason)))]));

/** The extended key usage of a responder. */
export const OCSP_SIGNING = (purpose = "1.3.6.1.5.5.7.3.9"): Buffer => seq(oid(purpose));

/** Everything that an answer says; each part can be replaced. */
export interface AnswerParts {
  readonly certificate: Pick<Certificate, "serial">;
  readonly issuer: Certificate;
  readonly signer: Keys;
  readonly hash?: CertificateIdHash;
  readonly id?: Bytes;
  readonly status?: Bytes;
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | null;
  readonly producedAt?: number;
  readonly responder?: Bytes;
  readonly version?: Bytes;
  readonly singles?: (single: Buffer) => readonly Bytes[];
  readonly extensions?: readonly Bytes[];
  readonly certificates?: readonly Bytes[];
  readonly algorithm?: Bytes;
}

export const byName = (name: Bytes): Buffer => der(0xa1, name);
export const byKey = (keyHash: Bytes): Buffer => der(0xa2, octets(keyHash));

/** A successful basic response to one question, signed by the issuer unless said otherwise. */
export function ocspResponse(parts: AnswerParts): Buffer {
  return successful(basicResponse(parts));
}

export function successful(basic: Bytes, type = "1.3.6.1.5.5.7.48.1.1"): Buffer {
  return seq(der(0x0a, Buffer.of(0)), der(0xa0, seq(oid(type), octets(basic))));
}

export function basicResponse(parts: AnswerParts): Buffer {
  const { issuer, thisUpdate = NOW - HOUR, nextUpdate = NOW + HOUR, algorithm = ECDSA_SHA384 } = parts;
  const single = seq(
    parts.id ?? writeCertificateId(certificateIdOf(parts.certificate, issuer, parts.hash)),
    parts.status ?? GOOD,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [der(0xa0, time(nextUpdate))]),
  );
  const tbs = responseData(parts, { single, producedAt: parts.producedAt ?? thisUpdate });
  const basic = signed(tbs, algorithm, parts.signer);
  if (parts.certificates === undefined) return basic;
  return seq(basic.subarray(headLength(basic)), der(0xa0, seq(...parts.certificates)));
}

function responseData(parts: AnswerParts, { single, producedAt }: { single: Buffer; producedAt: number }): Buffer {
  return seq(
    ...(parts.version === undefined ? [] : [parts.version]),
    parts.responder ?? byKey(keyHashOf(parts.issuer)),
    time(producedAt),
    seq(...(parts.singles?.(single) ?? [single])),
    ...(parts.extensions === undefined ? [] : [der(0xa1, seq(...parts.extensions))]),
  );
}

/** How long tag and length of an element are. */
function headLength(element: Buffer): number {
  const first = element[1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}
