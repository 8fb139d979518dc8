import { verifyEcdsa } from "#crypto";
import { equal } from "../encoding/bytes.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import { pckChainOf } from "../evidence/dcap/pck-chain.ts";
import { readPckExtension, type PckExtension } from "../evidence/dcap/pck.ts";
import { parseQeIdentity } from "../evidence/dcap/qe-identity.ts";
import type { Quote } from "../evidence/dcap/quote.ts";
import type { SignedJson } from "../evidence/dcap/signed-json.ts";
import { parseTcbInfo } from "../evidence/dcap/tcb-info.ts";
import type { Certificate } from "../x509/certificate.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { readRevocationList, type RevocationList } from "../x509/crl.ts";
import { importKey } from "../x509/signature.ts";
import { unlessCoded, type Candidate } from "./classify.ts";

/** What speaks for a candidate. */
interface Merits {
  readonly fits: boolean;
  readonly from: number;
  readonly to: number;
}

/** What a quote says, unverified, of the endorsements that it needs. */
interface Wanted {
  readonly quote: Quote;
  readonly now: number;
  readonly pck: PckExtension | undefined;
  /** PCK leaf first; empty where the quote's chain cannot be read. */
  readonly chain: readonly Certificate[];
}

/**
 * Chooses for each role the candidate that fits the quote, is valid at `now` (milliseconds since 1970) and newest, in this order.
 * Nothing is verified: a wrong choice fails later.
 */
export async function selectEndorsements(
  candidates: readonly Candidate[],
  quote: Quote,
  now: number,
): Promise<DcapEndorsements> {
  const of = (role: Candidate["role"]): readonly Uint8Array[] =>
    candidates.filter((candidate) => candidate.role === role).map(({ bytes }) => bytes);
  const pckCertChain = await signerOf(
    of("pckCertChain"),
    {
      signedPart: quote.certification.qeReportBytes,
      signature: quote.certification.qeReportSignature,
    },
    now,
  );
  const wanted = readWanted(quote, pckCertChain, now);
  const tcbInfo = best(of("tcbInfo"), now, (bytes) => tcbInfoMerits(bytes, wanted));
  const qeIdentity = best(of("qeIdentity"), now, (bytes) => qeIdentityMerits(bytes, wanted));
  const chains = [...of("tcbSigningChain"), ...of("qeIdentityIssuerChain")];
  const tcbSigningChain = await signerOf(chains, tcbInfo && unlessCoded(() => parseTcbInfo(tcbInfo).signed), now);
  const identityChain = await signerOf(
    chains,
    qeIdentity && unlessCoded(() => parseQeIdentity(qeIdentity).signed),
    now,
  );
  return defined({
    pckCertChain,
    tcbInfo,
    qeIdentity,
    tcbSigningChain,
    qeIdentityIssuerChain: identityChain === tcbSigningChain ? undefined : identityChain,
    pckCrl: best(of("pckCrl"), now, (bytes) => listMerits(bytes, wanted.chain[1])),
    rootCaCrl: best(of("rootCaCrl"), now, (bytes) => listMerits(bytes, wanted.chain.at(-1))),
    pckCrlIssuerChain: best(of("pckCrlIssuerChain"), now, (bytes) => issuerMerits(bytes, wanted.chain[1])),
  });
}

function readWanted(quote: Quote, given: Uint8Array | undefined, now: number): Wanted {
  const chain = unlessCoded(() => new ChainVerifier().parse(pckChainOf(quote, given))) ?? [];
  const [leaf] = chain;
  return { quote, now, chain, pck: leaf && unlessCoded(() => readPckExtension(leaf)) };
}

function best(
  candidates: readonly Uint8Array[],
  now: number,
  merits: (bytes: Uint8Array) => Merits,
): Uint8Array | undefined {
  const ranked = candidates.map((bytes) => {
    const { fits, from, to } = unlessCoded(() => merits(bytes)) ?? { fits: false, from: 0, to: 0 };
    return { bytes, rank: (fits ? 2 : 0) + (from <= now && now <= to ? 1 : 0), from };
  });
  return ranked.sort((a, b) => b.rank - a.rank || b.from - a.from)[0]?.bytes;
}

function tcbInfoMerits(bytes: Uint8Array, { quote, pck }: Wanted): Merits {
  const { id, fmspc, issueDate, nextUpdate } = parseTcbInfo(bytes);
  const fits = id === (quote.tee === "tdx" ? "TDX" : "SGX") && pck !== undefined && equal(fmspc, pck.fmspc);
  return { fits, from: issueDate, to: nextUpdate };
}

function qeIdentityMerits(bytes: Uint8Array, { quote }: Wanted): Merits {
  const { id, issueDate, nextUpdate } = parseQeIdentity(bytes);
  return { fits: id === (quote.tee === "tdx" ? "TD_QE" : "QE"), from: issueDate, to: nextUpdate };
}

function listMerits(bytes: Uint8Array, issuer: Certificate | undefined): Merits {
  const list = readRevocationList(bytes);
  return { fits: issuer !== undefined && isOf(list, issuer), from: list.thisUpdate, to: list.nextUpdate };
}

function isOf(list: RevocationList, issuer: Certificate): boolean {
  const { authorityKeyId } = list;
  const { subjectKeyId } = issuer;
  const sameKey = authorityKeyId !== undefined && subjectKeyId !== undefined && equal(authorityKeyId, subjectKeyId);
  return sameKey && equal(list.issuer.raw, issuer.subject.raw);
}

function issuerMerits(bytes: Uint8Array, issuer: Certificate | undefined): Merits {
  const [leaf] = new ChainVerifier().parse(bytes);
  if (leaf === undefined) return { fits: false, from: 0, to: 0 };
  const fits = issuer !== undefined && equal(leaf.publicKey.spki, issuer.publicKey.spki);
  return { fits, from: leaf.notBefore, to: leaf.notAfter };
}

/** The best chain among those whose leaf made a signature. */
async function signerOf(
  chains: readonly Uint8Array[],
  signed: Pick<SignedJson, "signedPart" | "signature"> | undefined,
  now: number,
): Promise<Uint8Array | undefined> {
  const signers = new Set<Uint8Array>();
  for (const chain of chains) {
    if (signed !== undefined && (await isSigner(chain, signed))) signers.add(chain);
  }
  return best(chains, now, (chain) => {
    const [leaf] = new ChainVerifier().parse(chain);
    return { fits: signers.has(chain), from: leaf?.notBefore ?? 0, to: leaf?.notAfter ?? 0 };
  });
}

async function isSigner(
  chain: Uint8Array,
  { signedPart, signature }: Pick<SignedJson, "signedPart" | "signature">,
): Promise<boolean> {
  const leaf = unlessCoded(() => new ChainVerifier().parse(chain)[0]);
  if (leaf?.publicKey.curve !== "P-256") return false;
  const key = await importKey(leaf.publicKey).catch(() => undefined);
  return key !== undefined && verifyEcdsa("sha256", key, signedPart, signature);
}

function defined(parts: { readonly [Role in keyof DcapEndorsements]: Uint8Array | undefined }): DcapEndorsements {
  return Object.fromEntries(Object.entries(parts).filter(([, bytes]) => bytes !== undefined));
}
