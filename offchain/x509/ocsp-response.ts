import { EndorsementError, EvidenceError } from "../errors.ts";
import { readName, type Name } from "./certificate.ts";
import { DER, DerReader } from "./der.ts";
import { readExtensions } from "./extensions.ts";
import { readCertificateId, type CertificateId } from "./ocsp-id.ts";
import { OCSP_NONCE, readNonce } from "./ocsp-request.ts";
import { readSignatureAlgorithm, type SignatureAlgorithm } from "./signature.ts";

/** What a responder says of one certificate. */
export type CertificateStatus =
  | { readonly kind: "good" }
  | { readonly kind: "unknown" }
  | {
      readonly kind: "revoked";
      /** Milliseconds since 1970. */
      readonly at: number;
      /** A number of RFC 5280 section 5.3.1; undefined where the responder gives none. */
      readonly reason: number | undefined;
    };

/** The answer for one certificate. */
export interface SingleResponse {
  readonly id: CertificateId;
  readonly status: CertificateStatus;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  /** Undefined where newer answers can be had at any time. */
  readonly nextUpdate: number | undefined;
}

/** A responder, by the name or the SHA-1 of the key in its certificate. */
export type ResponderId = { readonly name: Name } | { readonly keyHash: Uint8Array };

/** A basic OCSP response as parsed; nothing in it is verified. */
export interface OcspResponse {
  readonly tbs: Uint8Array;
  readonly responder: ResponderId;
  /** Milliseconds since 1970. */
  readonly producedAt: number;
  readonly responses: readonly SingleResponse[];
  readonly nonce: Uint8Array | undefined;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  /** DER, as the responder sends them along. */
  readonly certificates: readonly Uint8Array[];
}

const BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const STATUSES = ["successful", "malformedRequest", "internalError", "tryLater", "", "sigRequired", "unauthorized"];
const SINGLE_UNDERSTOOD: ReadonlySet<string> = new Set();
const RESPONSE_UNDERSTOOD: ReadonlySet<string> = new Set([OCSP_NONCE]);
const MAX_CERTIFICATES = 8;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `OCSP: ${message}`);

/**
 * Parses one DER OCSP response, which must be successful and basic.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`, and `EndorsementError` `ENDORSEMENT_UNAVAILABLE` where the responder gives no answer.
 * @see RFC 6960 section 4.2.1
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const outer = new DerReader(der);
  const response = outer.enter("OCSP response");
  outer.end("OCSP response");
  const status = response.uint32("response status", DER.enumerated);
  if (status !== 0) {
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `the OCSP responder says ${STATUSES[status] || status}`);
  }
  const explicit = response.enter("response bytes", 0xa0);
  response.end("OCSP response");
  const bytes = explicit.enter("response bytes");
  explicit.end("response bytes");
  const type = bytes.oid("response type");
  if (type !== BASIC_RESPONSE) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `OCSP: response type ${type}`);
  const basic = bytes.octetString("response");
  bytes.end("response bytes");
  return readBasic(basic);
}

function readBasic(der: Uint8Array): OcspResponse {
  const outer = new DerReader(der);
  const basic = outer.enter("basic response");
  outer.end("basic response");
  const { raw: tbs, content } = basic.element(DER.sequence, "tbsResponseData");
  const algorithm = readSignatureAlgorithm(basic.enter("signatureAlgorithm"));
  const signature = basic.octetsOfBitString("signature");
  const certificates = readCertificates(basic.enterIf(0xa0, "certificates"));
  basic.end("basic response");
  return { tbs, algorithm, signature, certificates, ...readData(new DerReader(content)) };
}

function readCertificates(outer: DerReader | undefined): readonly Uint8Array[] {
  if (outer === undefined) return [];
  const list = outer.enter("certificates");
  outer.end("certificates");
  const certificates: Uint8Array[] = [];
  while (!list.done) certificates.push(list.element(DER.sequence, "certificate").raw);
  if (certificates.length > MAX_CERTIFICATES) throw malformed(`${certificates.length} certificates`);
  return certificates;
}

function readData(tbs: DerReader): Pick<OcspResponse, "responder" | "producedAt" | "responses" | "nonce"> {
  // DER leaves a default out: version 1 is never written.
  if (tbs.nextTag === 0xa0) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "OCSP: a version that is not 1");
  const responder = readResponder(tbs);
  const producedAt = tbs.time("producedAt");
  const list = tbs.enter("responses");
  const responses: SingleResponse[] = [];
  while (!list.done) responses.push(readSingle(list.enter("single response")));
  const extensions = tbs.enterIf(0xa1, "responseExtensions");
  const nonce = extensions && readNonce(readExtensions(extensions, RESPONSE_UNDERSTOOD));
  tbs.end("tbsResponseData");
  return { responder, producedAt, responses, nonce };
}

function readResponder(tbs: DerReader): ResponderId {
  const byName = tbs.enterIf(0xa1, "responder name");
  if (byName !== undefined) {
    const name = readName(byName, "responder name");
    byName.end("responder name");
    return { name };
  }
  const byKey = tbs.enter("responder key", 0xa2);
  const keyHash = byKey.octetString("responder key");
  byKey.end("responder key");
  return { keyHash };
}

function readSingle(reader: DerReader): SingleResponse {
  const id = readCertificateId(reader);
  const status = readStatus(reader);
  const thisUpdate = reader.time("thisUpdate");
  const next = reader.enterIf(0xa0, "nextUpdate");
  const nextUpdate = next?.time("nextUpdate");
  next?.end("nextUpdate");
  const extensions = reader.enterIf(0xa1, "singleExtensions");
  if (extensions !== undefined) readExtensions(extensions, SINGLE_UNDERSTOOD);
  reader.end("single response");
  return { id, status, thisUpdate, nextUpdate };
}

function readStatus(reader: DerReader): CertificateStatus {
  const { nextTag } = reader;
  if (nextTag === 0x80 || nextTag === 0x82) {
    if (reader.content(nextTag, "certificate status").length > 0) throw malformed("a status with a content");
    return { kind: nextTag === 0x80 ? "good" : "unknown" };
  }
  const revoked = reader.enter("revoked", 0xa1);
  const at = revoked.time("revocationTime");
  const explicit = revoked.enterIf(0xa0, "revocationReason");
  const reason = explicit?.uint32("revocationReason", DER.enumerated);
  explicit?.end("revocationReason");
  revoked.end("revoked");
  return { kind: "revoked", at, reason };
}
