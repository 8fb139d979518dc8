/** The simulated vendor's OCSP responder: one delegated responder for each authority, with a switch for each defect. */
import { createPublicKey } from "node:crypto";
import { concat, equal, utf8 } from "../../../encoding/bytes.ts";
import { CloisterError } from "../../../errors.ts";
import { parseCertificate } from "../../../x509/certificate.ts";
import { element, generalizedTime, objectIdentifier } from "../../../x509/der-writer.ts";
import { issueCertificate, issuerKeyIdentifier, signed, toPem } from "../../../x509/issue.ts";
import type { Issuer } from "../../../x509/issue.ts";
import {
  authorityKeyIdentifier,
  keyIdentifierOf,
  keyUsage,
  subjectKeyIdentifier,
} from "../../../x509/issue-extensions.ts";
import { certificateIdOf, writeCertificateId } from "../../../x509/ocsp-id.ts";
import type { CertificateId } from "../../../x509/ocsp-id.ts";
import { nonceExtension, parseOcspRequest } from "../../../x509/ocsp-request.ts";
import type { OcspRequest } from "../../../x509/ocsp-request.ts";
import { parsePem } from "../../../x509/pem.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import { ocspResponder } from "./extensions.ts";
import { nvidiaAuthority, NVIDIA_ROLES, nvidiaSerial } from "./vendor.ts";
import type { NvidiaRole, NvidiaVendor } from "./vendor.ts";

/** What can be wrong with an answer; each is what a careless or lying responder could send. */
export interface OcspDefects {
  /** The answer ended an hour ago. */
  readonly stale?: boolean;
  /** Signed by a key that nobody certified. */
  readonly forgedSignature?: boolean;
  /** The responder's certificate is not made for OCSP. */
  readonly responderWithoutPurpose?: boolean;
  /** The responder is certified by an authority that did not issue the certificate. */
  readonly foreignResponder?: boolean;
  /** The responder says that it does not know the certificate. */
  readonly unknown?: boolean;
  /** The answer is about another serial number. */
  readonly otherCertificate?: boolean;
  /** The answer carries no nonce, whatever was asked. */
  readonly withoutNonce?: boolean;
  /** The responder asks to try again later. */
  readonly unavailable?: boolean;
}

export interface OcspOptions {
  /** Milliseconds since 1970; answers begin an hour before it and hold for a day. */
  readonly now: number;
  readonly defects?: OcspDefects;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MALFORMED_REQUEST = 1;
const TRY_LATER = 3;
const UNAUTHORIZED = 6;
const BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const KEY_COMPROMISE = Uint8Array.of(1);

/** Answers one request, DER in and out; what cannot be answered gets the status that says so. @see RFC 6960 section 4.2.1 */
export function answerOcsp(vendor: NvidiaVendor, request: Uint8Array, options: OcspOptions): Uint8Array {
  const parsed = requestOf(request);
  if (parsed === undefined) return refusal(MALFORMED_REQUEST);
  const roles = new Set(parsed.certificateIds.map((id) => issuerOfId(vendor, id)));
  const [role, ...others] = roles;
  // A responder speaks for one authority, and for none that is not the vendor's.
  if (role === undefined || others.length > 0) return refusal(UNAUTHORIZED);
  return answerFor(vendor, role, parsed, options);
}

/** The responder's answers for every certificate of a chain (PEM, leaf first) that an authority of the vendor issued. */
export function ocspResponsesFor(vendor: NvidiaVendor, chain: Uint8Array, options: OcspOptions): readonly Uint8Array[] {
  const certificates = parsePem(chain, "CERTIFICATE").map((der) => parseCertificate(der));
  return certificates.slice(0, -1).flatMap((certificate, index) => {
    const id = certificateIdOf(certificate, certificates[index + 1] ?? certificate, "sha384");
    const role = issuerOfId(vendor, id);
    return role === undefined ? [] : [answerFor(vendor, role, { certificateIds: [id] }, options)];
  });
}

/** The certificates that sign manifests, PEM, signer first. */
export function rimChain({ certificates }: NvidiaVendor): Uint8Array {
  const roles = ["rimSigner", "rimIssuer", "rimCa", "rimRoot"] as const;
  return concat(...roles.map((role) => utf8(toPem("CERTIFICATE", bytesOf(certificates[role])))));
}

function requestOf(der: Uint8Array): OcspRequest | undefined {
  try {
    return parseOcspRequest(der);
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    return undefined;
  }
}

/** The authority whose name and key an id names. */
function issuerOfId({ certificates }: NvidiaVendor, id: CertificateId): NvidiaRole | undefined {
  return NVIDIA_ROLES.find((role) => {
    const own = certificateIdOf(id, parseCertificate(bytesOf(certificates[role])), id.hash);
    return equal(own.issuerNameHash, id.issuerNameHash) && equal(own.issuerKeyHash, id.issuerKeyHash);
  });
}

function answerFor(vendor: NvidiaVendor, role: NvidiaRole, request: OcspRequest, options: OcspOptions): Uint8Array {
  const { now, defects = {} } = options;
  if (defects.unavailable === true) return refusal(TRY_LATER);
  const certifier = defects.foreignResponder === true ? foreignTo(role) : role;
  const responder = responderOf(vendor, certifier);
  const thisUpdate = now - (defects.stale === true ? 25 * HOUR : HOUR);
  const singles = request.certificateIds.map((id) => singleResponse(vendor, { role, id, thisUpdate }, defects));
  const nonce = defects.withoutNonce === true ? undefined : request.nonce;
  const data = element(
    "sequence",
    element(
      { context: 2, constructed: true },
      element("octetString", keyIdentifierOf(createPublicKey(responder.privateKey))),
    ),
    generalizedTime(thisUpdate),
    element("sequence", ...singles),
    ...(nonce === undefined
      ? []
      : [element({ context: 1, constructed: true }, element("sequence", nonceExtension(nonce)))]),
  );
  const signer =
    defects.forgedSignature === true ? { ...responder, privateKey: keyOf(vendor, "ocsp/forger") } : responder;
  const certificate = certifyResponder(vendor, certifier, responder, options);
  const basic = signed(data, signer, element({ context: 0, constructed: true }, element("sequence", certificate)));
  const bytes = element("sequence", objectIdentifier(BASIC_RESPONSE), element("octetString", basic));
  return element(
    "sequence",
    element("enumerated", Uint8Array.of(0)),
    element({ context: 0, constructed: true }, bytes),
  );
}

/** @see RFC 6960 section 4.2.1, SingleResponse */
function singleResponse(
  vendor: NvidiaVendor,
  { role, id, thisUpdate }: { readonly role: NvidiaRole; readonly id: CertificateId; readonly thisUpdate: number },
  defects: OcspDefects,
): Uint8Array {
  const answered = defects.otherCertificate === true ? { ...id, serial: `${id.serial.slice(2)}51` } : id;
  return element(
    "sequence",
    writeCertificateId(answered),
    statusOf(vendor, role, id, defects),
    generalizedTime(thisUpdate),
    element({ context: 0, constructed: true }, generalizedTime(thisUpdate + DAY)),
  );
}

function statusOf(vendor: NvidiaVendor, role: NvidiaRole, { serial }: CertificateId, defects: OcspDefects): Uint8Array {
  if (defects.unknown === true) return element({ context: 2, constructed: false });
  const revoked = vendor.revoked.find((entry) => entry.issuer === role && isSerial(entry.serial, serial));
  if (revoked === undefined) return element({ context: 0, constructed: false });
  const reason = element({ context: 0, constructed: true }, element("enumerated", KEY_COMPROMISE));
  return element({ context: 1, constructed: true }, generalizedTime(revoked.revokedAt), reason);
}

function isSerial(entry: string, serial: string): boolean {
  const plain = (hex: string): string =>
    hex
      .replace(/^0x/, "")
      .replace(/^(?:00)+/, "")
      .toLowerCase();
  return plain(entry) === plain(serial);
}

function responderOf(vendor: NvidiaVendor, role: NvidiaRole): Issuer {
  const { commonName = "" } = nvidiaAuthority(vendor, role).name;
  return {
    name: { commonName: `${commonName} OCSP Responder`, organization: "SIMULATED NVIDIA Corporation" },
    privateKey: keyOf(vendor, `ocsp/${role}`),
  };
}

function certifyResponder(
  vendor: NvidiaVendor,
  role: NvidiaRole,
  responder: Issuer,
  { now, defects = {} }: OcspOptions,
): Uint8Array {
  const issuer = nvidiaAuthority(vendor, role);
  const publicKey = createPublicKey(responder.privateKey);
  const certificate = {
    serial: nvidiaSerial(responder, "ocsp"),
    subject: responder.name,
    publicKey,
    notBefore: now - 2 * DAY,
    notAfter: now + 30 * DAY,
    extensions: [
      keyUsage(["digitalSignature"]),
      ...(defects.responderWithoutPurpose === true ? [] : ocspResponder()),
      subjectKeyIdentifier(publicKey),
      authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
    ],
  };
  return issueCertificate(certificate, issuer);
}

function foreignTo(role: NvidiaRole): NvidiaRole {
  return role === "rimCa" ? "identity" : "rimCa";
}

function keyOf({ seed }: NvidiaVendor, name: string): Issuer["privateKey"] {
  return p384Key(deriveP384(seed, name));
}

/** @see RFC 6960 section 4.2.1, OCSPResponseStatus */
function refusal(status: number): Uint8Array {
  return element("sequence", element("enumerated", Uint8Array.of(status)));
}
