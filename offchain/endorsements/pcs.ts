/** The client of Intel's provisioning certification service and of anything that serves the same paths (a PCCS). */
import { isObject, parseJson } from "../encoding/members.ts";
import { CloisterError, EndorsementError } from "../errors.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import { parseRevocationList } from "../x509/crl.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import type { Cache, Expiring } from "./cache.ts";
import { fetchDocument } from "./fetching.ts";
import type { Answer, FetchPolicy } from "./fetching.ts";

/** What a quote's PCK certificate says of its platform. */
export interface PcsTarget {
  /** 6 bytes in hex without 0x. */
  readonly fmspc: string;
  readonly ca: "platform" | "processor";
  readonly tee: "sgx" | "tdx";
}

/** One document with the chain of whoever signed it, PEM; the root's CRL comes without one. */
export interface PcsDocument {
  readonly body: Uint8Array;
  readonly issuerChain?: Uint8Array;
}

export interface PcsOptions extends FetchPolicy {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Shared by every call that may give out the same documents again. */
  readonly cache?: Cache<PcsDocument>;
  /** How long a document is kept at most, so that a revocation is seen; one hour where not given. */
  readonly maxAgeMs?: number;
  /** Where the root's CRL is; Intel's own service hands it out on another host, a PCCS under its own address. */
  readonly rootCrlUrl?: string;
}

const INTEL_PCS_HOST = "api.trustedservices.intel.com";
const INTEL_ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
const HOUR = 3_600_000;

/**
 * Fetches everything that verifies quotes of one platform family; throws EndorsementError: `ENDORSEMENT_UNAVAILABLE` for no answer,
 * `ENDORSEMENT_INVALID` for an unreadable one, `ENDORSEMENT_EXPIRED` for a document that is past its next update.
 * @see Intel SGX and TDX Provisioning Certification Service API v4
 */
export async function fetchDcapEndorsements(
  baseUrl: string,
  target: PcsTarget,
  options: PcsOptions,
): Promise<DcapEndorsements> {
  const service = baseUrl.replace(/\/+$/, "");
  const sgx = `${service}/sgx/certification/v4`;
  const ofTee = `${service}/${target.tee}/certification/v4`;
  const fmspc = target.fmspc.toUpperCase();
  const rootCrlUrl = options.rootCrlUrl ?? (isIntel(service) ? INTEL_ROOT_CRL : `${sgx}/rootcacrl`);
  const documents = [
    fetchOne(`${ofTee}/tcb?fmspc=${encodeURIComponent(fmspc)}`, TCB_INFO, options),
    fetchOne(`${ofTee}/qe/identity`, QE_IDENTITY, options),
    fetchOne(`${sgx}/pckcrl?ca=${target.ca}&encoding=der`, PCK_CRL, options),
    fetchOne(rootCrlUrl, ROOT_CRL, options),
  ] as const;
  // A failure is told only when nothing runs on behind it.
  await Promise.allSettled(documents);
  const [tcbInfo, qeIdentity, pckCrl, rootCaCrl] = await Promise.all(documents);
  return {
    tcbInfo: tcbInfo.body,
    qeIdentity: qeIdentity.body,
    pckCrl: pckCrl.body,
    rootCaCrl: rootCaCrl.body,
    ...(tcbInfo.issuerChain === undefined ? {} : { tcbSigningChain: tcbInfo.issuerChain }),
    ...(qeIdentity.issuerChain === undefined ? {} : { qeIdentityIssuerChain: qeIdentity.issuerChain }),
    ...(pckCrl.issuerChain === undefined ? {} : { pckCrlIssuerChain: pckCrl.issuerChain }),
  };
}

/** How one kind of document is read; a service may use any of the header names. */
interface Kind {
  readonly chainHeaders: readonly string[];
  /** The document as it is handed on, and its next update in milliseconds since 1970. */
  readonly read: (body: Uint8Array) => { readonly body: Uint8Array; readonly nextUpdate: number };
}

const TCB_INFO: Kind = {
  chainHeaders: ["tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"],
  read: (body) => ({ body, nextUpdate: nextUpdateOf(body, "tcbInfo") }),
};
const QE_IDENTITY: Kind = {
  chainHeaders: ["sgx-enclave-identity-issuer-chain"],
  read: (body) => ({ body, nextUpdate: nextUpdateOf(body, "enclaveIdentity") }),
};
const PCK_CRL: Kind = { chainHeaders: ["sgx-pck-crl-issuer-chain"], read: readCrl };
const ROOT_CRL: Kind = { chainHeaders: [], read: readCrl };

async function fetchOne(url: string, kind: Kind, options: PcsOptions): Promise<PcsDocument> {
  const load = async (): Promise<Expiring<PcsDocument>> =>
    readDocument(url, kind, await fetchDocument(url, options), options);
  return options.cache === undefined ? (await load()).value : options.cache.get(url, load);
}

function readDocument(url: string, kind: Kind, answer: Answer, options: PcsOptions): Expiring<PcsDocument> {
  try {
    const { body, nextUpdate } = kind.read(answer.body);
    if (nextUpdate <= options.now)
      throw new EndorsementError("ENDORSEMENT_EXPIRED", `${url} serves an expired document`);
    const issuerChain = issuerChainOf(answer, kind.chainHeaders);
    const until = Math.min(nextUpdate, options.now + (options.maxAgeMs ?? HOUR));
    return { value: { body, ...(issuerChain === undefined ? {} : { issuerChain }) }, until };
  } catch (cause) {
    if (cause instanceof EndorsementError) throw cause;
    const reason = cause instanceof CloisterError ? `: ${cause.message}` : "";
    throw new EndorsementError("ENDORSEMENT_INVALID", `${url} serves an unreadable document${reason}`, { cause });
  }
}

function issuerChainOf(answer: Answer, names: readonly string[]): Uint8Array | undefined {
  if (names.length === 0) return undefined;
  const value = names.map((name) => answer.headers[name]).find((header) => header !== undefined);
  if (value === undefined) throw invalid(`the header ${names[0]} is missing`);
  const chain = new TextEncoder().encode(decodeURIComponent(value));
  parsePem(chain, "CERTIFICATE");
  return chain;
}

function nextUpdateOf(body: Uint8Array, member: string): number {
  const document = parseJson(body, member, invalid);
  const signed = isObject(document) ? document[member] : undefined;
  const nextUpdate = isObject(signed) ? Date.parse(String(signed["nextUpdate"])) : Number.NaN;
  if (Number.isNaN(nextUpdate)) throw invalid(`${member} has no next update`);
  return nextUpdate;
}

/** A PCCS writes CRLs as hex, Intel's service as DER or PEM; they are handed on as DER. */
function readCrl(body: Uint8Array): { body: Uint8Array; nextUpdate: number } {
  const text = Buffer.from(body).toString("latin1").trim();
  const der = isPem(body)
    ? (parsePem(body, "X509 CRL")[0] ?? body)
    : /^(?:[0-9a-fA-F]{2})+$/.test(text)
      ? new Uint8Array(Buffer.from(text, "hex"))
      : body;
  return { body: der, nextUpdate: parseRevocationList(der).nextUpdate };
}

function isIntel(service: string): boolean {
  return URL.canParse(service) && new URL(service).hostname === INTEL_PCS_HOST;
}

function invalid(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}
