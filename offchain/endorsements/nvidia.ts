/** What NVIDIA's services for reference manifests and for the status of certificates are asked for. */
import { sha256 } from "#crypto";
import { parseBase64 } from "../encoding/base64.ts";
import { toHex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { parseJson } from "../encoding/members.ts";
import { EndorsementError } from "../errors.ts";
import { parseDeviceReport } from "../evidence/nvidia/report.ts";
import type { NvidiaEndorsements } from "../evidence/nvidia/endorsements.ts";
import type { Endorsements } from "../verifier/family.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { certificateIdOf, isIdOf } from "../x509/ocsp-id.ts";
import { writeOcspRequest } from "../x509/ocsp-request.ts";
import { parseOcspResponse } from "../x509/ocsp-response.ts";
import { parsePem } from "../x509/pem.ts";
import { unlessCoded } from "./classify.ts";
import { partOf, type Parts, type Plan } from "./plan.ts";
import { MEDIA, type Answer, type DocumentRequest } from "./request.ts";
import { rimIdsOf } from "./rim-ids.ts";
import type { EndorsementServices } from "./services.ts";

type Services = Pick<EndorsementServices, "nvidiaRim" | "nvidiaOcsp">;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Certificates that a manifest may carry. */
const MAX_SIGNERS = 8;
const EMPTY = new Uint8Array(0);

/**
 * Says what verifies one device's report: the manifests of its driver and VBIOS, and the status of every certificate under a root, the
 * device's and the manifests'. The device's chain is at no service and must be given.
 * Throws `EvidenceError` where report or chain cannot be read.
 * @see NVIDIA RIM service, RIM ID naming convention; RFC 6960 appendix A
 */
export function nvidiaPlan(services: Services, evidence: Uint8Array, { nvidia: given = {} }: Endorsements): Plan {
  const chain = given.certChain === undefined ? [] : certificatesOf(given.certChain);
  const ids = rimIdsOf(parseDeviceReport(evidence), chain[0]?.subject.commonName);
  const wanted = Object.entries(ids).filter(([role]) => !Object.hasOwn(given, role));
  const asked = (certificates: readonly Certificate[]): readonly DocumentRequest[] =>
    given.ocspResponses === undefined ? statusesOf(services, certificates) : [];
  return {
    requests: [
      ...wanted.map(([role, id]) => rim(services, role, id)),
      // The leaf is the device's own: its issuer is no service and is not asked after it.
      ...asked(chain.slice(1)),
    ],
    further: (parts) => ["driverRim", "vbiosRim"].flatMap((role) => asked(signersOf(partOf(parts, role)?.body))),
    lacking: given.certChain === undefined ? ["the device's certificate chain"] : [],
    assemble: (parts) => ({ nvidia: { ...assemble(parts), ...given } }),
  };
}

function assemble(parts: Parts): NvidiaEndorsements {
  const driverRim = partOf(parts, "driverRim")?.body;
  const vbiosRim = partOf(parts, "vbiosRim")?.body;
  const ocspResponses = [...new Set((parts.get("ocspResponses") ?? []).map(({ body }) => body))];
  return { ...(driverRim && { driverRim }), ...(vbiosRim && { vbiosRim }), ocspResponses };
}

function rim({ nvidiaRim }: Services, role: string, id: string): DocumentRequest {
  return {
    role,
    service: "nvidiaRim",
    what: `reference manifest ${id}`,
    url: `${nvidiaRim}/v1/rim/${encodeURIComponent(id)}`,
    mediaTypes: MEDIA.json,
    take: (answer) => ({ body: manifestOf(answer, id) }),
    inspect: ({ body }, fetchedAt) =>
      Math.min(fetchedAt + 30 * DAY, ...signersOf(body).map(({ notAfter }) => notAfter)),
    refreshMs: DAY,
    mayBeAbsent: true,
  };
}

/** The manifest in the service's answer, which names it and its digest. */
function manifestOf({ body }: Answer, id: string): Uint8Array {
  const fields = new JsonFields(parseJson(body, "the answer", invalid), "answer", invalid);
  if (fields.text("id") !== id) throw invalid(`the answer is the manifest ${fields.text("id").slice(0, 80)}`);
  const manifest = parseBase64(fields.text("rim")) ?? EMPTY;
  const digest = toHex(sha256(manifest)).slice(2);
  if (fields.has("sha256") && fields.text("sha256").toLowerCase() !== digest) {
    throw invalid("the manifest is not the one of the digest beside it");
  }
  if (!/^\s*</.test(new TextDecoder().decode(manifest.subarray(0, 64)))) throw invalid("the manifest is no XML");
  return manifest;
}

/** The certificates that a manifest carries in its signature, signer first; none where one of them is not readable, which verification tells. */
function signersOf(manifest: Uint8Array | undefined): readonly Certificate[] {
  const text = new TextDecoder().decode(manifest);
  const found = [...text.matchAll(/<(?:\w+:)?X509Certificate>([A-Za-z0-9+/=\s]+)</g)].slice(0, MAX_SIGNERS);
  const read = (base64: string): Certificate => parseCertificate(parseBase64(base64.replaceAll(/\s+/g, "")) ?? EMPTY);
  return unlessCoded(() => found.map(([, base64 = ""]) => read(base64))) ?? [];
}

/** Asks after every certificate of a chain whose issuer stands behind it. */
function statusesOf(services: Services, chain: readonly Certificate[]): readonly DocumentRequest[] {
  return chain.slice(0, -1).map((certificate, index) => status(services, certificate, chain[index + 1] ?? certificate));
}

function status({ nvidiaOcsp }: Services, certificate: Certificate, issuer: Certificate): DocumentRequest {
  const name = certificate.subject.commonName ?? `certificate ${certificate.serial}`;
  // Without a nonce an answer can be kept for as long as it holds.
  const body = writeOcspRequest({ certificateIds: [certificateIdOf(certificate, issuer, "sha384")] });
  return {
    role: "ocspResponses",
    service: "nvidiaOcsp",
    what: `status of ${name}`,
    url: nvidiaOcsp,
    post: { body, contentType: "application/ocsp-request" },
    mediaTypes: MEDIA.ocsp,
    take: (answer) => ({ body: answer.body }),
    inspect: (document) => {
      const answer = parseOcspResponse(document.body).responses.find(({ id }) => isIdOf(id, certificate, issuer));
      if (answer === undefined) throw invalid("the answer is of another certificate");
      return answer.nextUpdate ?? answer.thisUpdate + DAY;
    },
    refreshMs: HOUR,
  };
}

function certificatesOf(pem: Uint8Array): readonly Certificate[] {
  return parsePem(pem, "CERTIFICATE").map((der) => parseCertificate(der));
}

function invalid(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}
