/** What AMD's key distribution service is asked for. */
import { equal, isZero, toHex } from "../encoding/bytes.ts";
import { EndorsementError, EvidenceError } from "../errors.ts";
import { productOf, readTcb, TCB_PARTS, type Product, type TcbVersion } from "../evidence/sev-snp/product.ts";
import { parseReport, type Report } from "../evidence/sev-snp/report.ts";
import { readVekExtensions } from "../evidence/sev-snp/vek.ts";
import type { Endorsements } from "../verifier/family.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { readRevocationList } from "../x509/crl.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { unlessCoded } from "./classify.ts";
import { partOf, type Parts, type Plan } from "./plan.ts";
import { MEDIA, type DocumentRequest } from "./request.ts";
import { VENDOR_SERVICES, type EndorsementServices } from "./services.ts";

type Services = Pick<EndorsementServices, "kds">;

/** Products whose early firmware made reports that do not say the processor. */
const UNNAMED: readonly Product[] = ["Milan", "Genoa"];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** AMD's own service gives one address about one certificate of a chip in this time. */
const AMD_SPACING_MS = 10_000;

/**
 * Says what verifies one report: the certificate of the chip at its TCB, the chain above it and the root's revocation list. A report
 * that does not name its processor has one plan for each that it can be of; a VLEK certificate is at no service and must be given.
 * Throws `EvidenceError` where the report cannot be read.
 * @see AMD publication 57230, Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification
 */
export function sevSnpPlans(services: Services, evidence: Uint8Array, given: Endorsements): readonly Plan[] {
  const report = parseReport(evidence);
  const products = productsOf(report, given.sevSnp?.vek);
  const readable = products.filter((product) => unlessCoded(() => readTcb(report.reportedTcb, product)) !== undefined);
  if (readable.length === 0) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "the report is of no known product");
  return readable.map((product) => planOf(services, report, product, given));
}

function productsOf({ cpuid }: Report, vek: Uint8Array | undefined): readonly Product[] {
  const named = vek && unlessCoded(() => readVekExtensions(certificatesIn(vek)[0]!).product);
  const product = cpuid === undefined ? named : productOf(cpuid);
  if (product !== undefined) return [product];
  return cpuid === undefined ? UNNAMED : [];
}

function planOf(services: Services, report: Report, product: Product, given: Endorsements): Plan {
  const key = report.signingKey === "VLEK" ? "vlek" : "vcek";
  const base = `${services.kds}/${key}/v1/${product}`;
  const asksForVek = key === "vcek" && given.sevSnp?.vek === undefined && !isZero(report.chipId);
  const lacksVek = given.sevSnp?.vek === undefined && !asksForVek;
  return {
    requests: [
      ...(asksForVek ? [vcek(services, base, { report, product })] : []),
      certChain(`${base}/cert_chain`, key === "vlek" ? `SEV-VLEK-${product}` : `SEV-${product}`, product),
      crl(`${base}/crl`, product),
    ],
    lacking: lacksVek ? [key === "vlek" ? "the VLEK certificate" : "the VCEK certificate of a masked chip"] : [],
    assemble: (parts) => ({ sevSnp: { ...assemble(parts), ...given.sevSnp } }),
  };
}

function assemble(parts: Parts): NonNullable<Endorsements["sevSnp"]> {
  const vek = partOf(parts, "vek")?.body;
  const chain = partOf(parts, "certChain")?.body;
  const [ask, ark] = chain === undefined ? [] : parsePem(chain, "CERTIFICATE");
  const list = partOf(parts, "crl")?.body;
  return { ...(vek && { vek }), ...(ask && { ask }), ...(ark && { ark }), ...(list && { crl: list }) };
}

interface Chip {
  readonly report: Report;
  readonly product: Product;
}

function vcek({ kds }: Services, base: string, { report, product }: Chip): DocumentRequest {
  const tcb = readTcb(report.reportedTcb, product);
  const hwid = product === "Turin" ? report.chipId.subarray(0, 8) : report.chipId;
  const id = toHex(hwid).slice(2);
  return {
    role: "vek",
    service: "kds",
    what: `VCEK certificate of the ${product} chip ${id.slice(0, 16)}`,
    url: `${base}/${id}?${splOf(tcb)}`,
    mediaTypes: MEDIA.certificates,
    take: ({ body }) => ({ body }),
    inspect: ({ body }) => {
      const certificate = oneOf(body);
      const found = readVekExtensions(certificate);
      const sameChip = found.product === product && found.hwid !== undefined && equal(found.hwid, hwid);
      if (!sameChip || splOf(found.tcb) !== splOf(tcb)) throw invalid("the answer is of another chip or TCB");
      return certificate.notAfter;
    },
    // What a chip is at a TCB does not change; a revocation is told by the list.
    refreshMs: Number.POSITIVE_INFINITY,
    spacingMs: kds === VENDOR_SERVICES.kds ? AMD_SPACING_MS : 0,
  };
}

/** The parts of a TCB as the service asks for them, decimal with two digits at least. */
function splOf(tcb: TcbVersion): string {
  const parts = TCB_PARTS.filter((part) => tcb[part] !== undefined);
  return parts.map((part) => `${part}SPL=${String(tcb[part]).padStart(2, "0")}`).join("&");
}

function certChain(url: string, authority: string, product: Product): DocumentRequest {
  return {
    role: "certChain",
    service: "kds",
    what: `certificates of ${authority} and ARK-${product}`,
    url,
    mediaTypes: MEDIA.certificates,
    take: ({ body }) => ({ body }),
    inspect: ({ body }) => {
      const certificates = certificatesIn(body);
      const names = certificates.map(({ subject }) => subject.commonName);
      if (names.join() !== `${authority},ARK-${product}`)
        throw invalid(`the answer is the chain of ${names.join(", ")}`);
      return Math.min(...certificates.map(({ notAfter }) => notAfter));
    },
    refreshMs: DAY,
  };
}

function crl(url: string, product: Product): DocumentRequest {
  return {
    role: "crl",
    service: "kds",
    what: `revocation list of ARK-${product}`,
    url,
    mediaTypes: MEDIA.certificates,
    take: ({ body }) => ({ body }),
    inspect: ({ body }) => {
      const { issuer, nextUpdate } = readRevocationList(body);
      if (issuer.commonName === `ARK-${product}`) return nextUpdate;
      throw invalid(`the answer is the list of ${issuer.commonName ?? "another authority"}`);
    },
    refreshMs: HOUR,
  };
}

function oneOf(body: Uint8Array): Certificate {
  const [certificate, ...rest] = certificatesIn(body);
  if (certificate === undefined || rest.length > 0) throw invalid("the answer is not one certificate");
  return certificate;
}

function certificatesIn(bytes: Uint8Array): readonly Certificate[] {
  return (isPem(bytes) ? parsePem(bytes, "CERTIFICATE") : [bytes]).map((der) => parseCertificate(der));
}

function invalid(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}
