import { verifyEcdsa } from "#crypto";
import { equal } from "../encoding/bytes.ts";
import { readOne } from "../evidence/sev-snp/chain.ts";
import { parseReport, type Report } from "../evidence/sev-snp/report.ts";
import type { Endorsements } from "../verifier/family.ts";
import type { Certificate } from "../x509/certificate.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { readRevocationList } from "../x509/crl.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { importKey } from "../x509/signature.ts";
import { unlessCoded } from "./classify.ts";

interface Found {
  readonly certificate: Certificate;
  /** DER. */
  readonly bytes: Uint8Array;
}

interface Wanted {
  /** Raw evidence. */
  readonly evidence: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Chooses among files the certificates (PEM, also several in one file, or DER) and the revocation list of one report:
 * the VEK whose key signed it, or else any of its kind, and the issuers that the certificates themselves name.
 * Nothing is verified but that signature: a wrong choice fails later. Undefined where no file is of AMD.
 */
export async function loadSevSnp(
  files: readonly Uint8Array[],
  { evidence, now }: Wanted,
): Promise<Endorsements | undefined> {
  const found = files.flatMap((bytes) => certificatesIn(bytes));
  const vek = await vekOf(found, parseReport(evidence), now);
  const ask = vek && issuerOf(vek, found, now);
  const ark = ask && issuerOf(ask, found, now);
  const crl = ark && listOf(ark, files, now);
  if (vek === undefined) return undefined;
  return {
    sevSnp: {
      vek: vek.bytes,
      ...(ask && { ask: ask.bytes }),
      ...(ark && { ark: ark.bytes }),
      ...(crl && { crl }),
    },
  };
}

function certificatesIn(bytes: Uint8Array): readonly Found[] {
  const ders = isPem(bytes) ? (unlessCoded(() => parsePem(bytes, "CERTIFICATE")) ?? []) : [bytes];
  return ders.flatMap((der) => {
    const certificate = unlessCoded(() => readOne(der, new ChainVerifier()));
    return certificate === undefined ? [] : [{ certificate, bytes: der }];
  });
}

async function vekOf(found: readonly Found[], report: Report, now: number): Promise<Found | undefined> {
  const name = `SEV-${report.signingKey}`;
  const candidates = found.filter(({ certificate }) => certificate.subject.commonName === name);
  const signers: Found[] = [];
  for (const candidate of candidates) if (await hasSigned(candidate, report)) signers.push(candidate);
  return newest(signers.length > 0 ? signers : candidates, now);
}

async function hasSigned({ certificate }: Found, { signedPart, signature }: Report): Promise<boolean> {
  if (certificate.publicKey.curve !== "P-384") return false;
  const key = await importKey(certificate.publicKey).catch(() => undefined);
  return key !== undefined && verifyEcdsa("sha384", key, signedPart, signature);
}

function issuerOf({ certificate }: Found, found: readonly Found[], now: number): Found | undefined {
  const named = found.filter(({ certificate: { subject } }) => equal(subject.raw, certificate.issuer.raw));
  return newest(named, now);
}

/** The newest of those that are valid at a time, or of all where none is. */
function newest(found: readonly Found[], now: number): Found | undefined {
  const valid = found.filter(({ certificate: { notBefore, notAfter } }) => notBefore <= now && now <= notAfter);
  const ranked = (valid.length > 0 ? valid : found).toSorted(
    (a, b) => b.certificate.notBefore - a.certificate.notBefore,
  );
  return ranked[0];
}

function listOf({ certificate }: Found, files: readonly Uint8Array[], now: number): Uint8Array | undefined {
  const lists = files.flatMap((bytes) => {
    const list = unlessCoded(() => readRevocationList(bytes));
    return list !== undefined && equal(list.issuer.raw, certificate.subject.raw) ? [{ list, bytes }] : [];
  });
  const valid = lists.filter(({ list }) => list.thisUpdate <= now && now <= list.nextUpdate);
  return (valid.length > 0 ? valid : lists).toSorted((a, b) => b.list.thisUpdate - a.list.thisUpdate)[0]?.bytes;
}
