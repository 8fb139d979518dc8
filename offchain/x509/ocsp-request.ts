import { EvidenceError } from "../errors.ts";
import { DerReader } from "./der.ts";
import { element, objectIdentifier } from "./der-writer.ts";
import { readExtensions, type Extension } from "./extensions.ts";
import { readCertificateId, writeCertificateId, type CertificateId } from "./ocsp-id.ts";

/** What a client asks a responder. */
export interface OcspRequest {
  readonly certificateIds: readonly CertificateId[];
  /** 1 to 128 bytes. */
  readonly nonce?: Uint8Array;
}

/** The extension that carries a nonce. @see RFC 9654 section 2.1 */
export const OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";

const MAX_NONCE_LENGTH = 128;
const UNDERSTOOD: ReadonlySet<string> = new Set([OCSP_NONCE]);

/** Writes a request without a signature, DER. @see RFC 6960 section 4.1.1 */
export function writeOcspRequest({ certificateIds, nonce }: OcspRequest): Uint8Array {
  const requests = certificateIds.map((id) => element("sequence", writeCertificateId(id)));
  const extensions =
    nonce === undefined ? [] : [element({ context: 2, constructed: true }, element("sequence", nonceExtension(nonce)))];
  return element("sequence", element("sequence", element("sequence", ...requests), ...extensions));
}

/** The extension with a nonce, for a request or a response. */
export function nonceExtension(nonce: Uint8Array): Uint8Array {
  return element("sequence", objectIdentifier(OCSP_NONCE), element("octetString", element("octetString", nonce)));
}

/**
 * Parses a request without a signature, as a responder does.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 6960 section 4.1.1
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  const outer = new DerReader(der);
  const request = outer.enter("OCSP request");
  outer.end("OCSP request");
  const tbs = request.enter("tbsRequest");
  request.end("OCSP request");
  const list = tbs.enter("requestList");
  const certificateIds: CertificateId[] = [];
  while (!list.done) {
    const single = list.enter("request");
    certificateIds.push(readCertificateId(single));
    single.end("request");
  }
  const extensions = tbs.enterIf(0xa2, "requestExtensions");
  tbs.end("tbsRequest");
  const nonce = extensions && readNonce(readExtensions(extensions, UNDERSTOOD));
  return { certificateIds, ...(nonce === undefined ? {} : { nonce }) };
}

/** The nonce among extensions; undefined where there is none. */
export function readNonce(extensions: ReadonlyMap<string, Extension>): Uint8Array | undefined {
  const extension = extensions.get(OCSP_NONCE);
  if (extension === undefined) return undefined;
  const reader = new DerReader(extension.value);
  const nonce = reader.octetString("nonce");
  reader.end("nonce");
  if (nonce.length === 0 || nonce.length > MAX_NONCE_LENGTH) {
    throw new EvidenceError("EVIDENCE_MALFORMED", `OCSP: ${nonce.length} bytes of nonce`);
  }
  return nonce;
}
