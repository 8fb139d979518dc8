/** What Intel's provisioning certification service, and anything that serves the same paths (a PCCS), is asked for. */
import { equal, parseHex } from "../encoding/bytes.ts";
import { EndorsementError } from "../errors.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import { parseQeIdentity } from "../evidence/dcap/qe-identity.ts";
import { parseTcbInfo } from "../evidence/dcap/tcb-info.ts";
import type { Endorsements } from "../verifier/family.ts";
import { readRevocationList } from "../x509/crl.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { partOf, type Parts, type Plan } from "./plan.ts";
import { MEDIA, type Answer, type Document, type DocumentRequest } from "./request.ts";
import { INTEL_ROOT_CRL, isIntels, type EndorsementServices } from "./services.ts";

/** What a quote's PCK certificate says of its platform. */
export interface PcsTarget {
  /** 6 bytes in hex without 0x. */
  readonly fmspc: string;
  readonly ca: "platform" | "processor";
  readonly tee: "sgx" | "tdx";
}

/** So that a revocation is seen. */
const REFRESH_MS = 3_600_000;

/**
 * Says what verifies quotes of one platform family.
 * @see Intel SGX and TDX Provisioning Certification Service API v4; Intel PCCS design guide for `rootcacrl`
 */
export function dcapPlan(
  { pcs }: Pick<EndorsementServices, "pcs">,
  target: PcsTarget,
  { dcap: given = {} }: Endorsements = {},
): Plan {
  const at = (tee: string, resource: string): string => `${pcs}/${tee}/certification/v4/${resource}`;
  const requests = [
    tcbInfo(at(target.tee, `tcb?fmspc=${target.fmspc.toUpperCase()}`), target),
    qeIdentity(at(target.tee, "qe/identity"), target),
    pckCrl(at("sgx", `pckcrl?ca=${target.ca}&encoding=der`), target),
    rootCaCrl(isIntels(pcs) ? INTEL_ROOT_CRL : at("sgx", "rootcacrl")),
  ];
  return {
    requests: requests.filter(({ role }) => !Object.hasOwn(given, role)),
    lacking: [],
    assemble: (parts) => ({ dcap: { ...assemble(parts), ...given } }),
  };
}

function assemble(parts: Parts): DcapEndorsements {
  const members: readonly (readonly [keyof DcapEndorsements, Uint8Array | undefined])[] = [
    ["tcbInfo", partOf(parts, "tcbInfo")?.body],
    ["tcbSigningChain", partOf(parts, "tcbInfo")?.chain],
    ["qeIdentity", partOf(parts, "qeIdentity")?.body],
    ["qeIdentityIssuerChain", partOf(parts, "qeIdentity")?.chain],
    ["pckCrl", partOf(parts, "pckCrl")?.body],
    ["pckCrlIssuerChain", partOf(parts, "pckCrl")?.chain],
    ["rootCaCrl", partOf(parts, "rootCaCrl")?.body],
  ];
  return Object.fromEntries(members.filter(([, bytes]) => bytes !== undefined));
}

function tcbInfo(url: string, { fmspc, tee }: PcsTarget): DocumentRequest {
  const wanted = parseHex(`0x${fmspc}`) ?? new Uint8Array(0);
  return {
    role: "tcbInfo",
    service: "pcs",
    what: `${tee.toUpperCase()} TCB info of the FMSPC ${fmspc.toLowerCase()}`,
    url,
    mediaTypes: MEDIA.json,
    take: withChain("tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"),
    inspect: ({ body }) => {
      const info = parseTcbInfo(body);
      if (info.id.toLowerCase() !== tee || !equal(info.fmspc, wanted)) {
        throw invalid(`the answer is the ${info.id} TCB info of another platform family`);
      }
      return info.nextUpdate;
    },
    refreshMs: REFRESH_MS,
  };
}

function qeIdentity(url: string, { tee }: PcsTarget): DocumentRequest {
  return {
    role: "qeIdentity",
    service: "pcs",
    what: `identity of the ${tee.toUpperCase()} quoting enclave`,
    url,
    mediaTypes: MEDIA.json,
    take: withChain("sgx-enclave-identity-issuer-chain"),
    inspect: ({ body }) => {
      const identity = parseQeIdentity(body);
      if (identity.id !== (tee === "tdx" ? "TD_QE" : "QE"))
        throw invalid(`the answer is the identity of ${identity.id}`);
      return identity.nextUpdate;
    },
    refreshMs: REFRESH_MS,
  };
}

function pckCrl(url: string, { ca }: PcsTarget): DocumentRequest {
  return {
    role: "pckCrl",
    service: "pcs",
    what: `revocation list of the PCK ${ca} CA`,
    url,
    mediaTypes: MEDIA.certificates,
    take: withChain("sgx-pck-crl-issuer-chain"),
    inspect: listOf(ca === "platform" ? "Platform CA" : "Processor CA"),
    refreshMs: REFRESH_MS,
  };
}

function rootCaCrl(url: string): DocumentRequest {
  return {
    role: "rootCaCrl",
    service: "pcs",
    what: "revocation list of Intel's root",
    url,
    // A PCCS answers with hex, and its web framework calls every text HTML.
    mediaTypes: [...MEDIA.certificates, "text/html"],
    take: ({ body }) => ({ body: derOf(body) }),
    inspect: listOf("Root CA"),
    refreshMs: REFRESH_MS,
  };
}

function listOf(authority: string): DocumentRequest["inspect"] {
  return ({ body }) => {
    const { issuer, nextUpdate } = readRevocationList(body);
    if (issuer.commonName?.includes(authority) === true) return nextUpdate;
    throw invalid(`the answer is the list of ${issuer.commonName ?? "another authority"}`);
  };
}

/** Takes the document with the chain that one of the headers tells; JSON stands as it is, lists are handed on as DER. */
function withChain(...names: readonly [string, ...string[]]): (answer: Answer) => Document {
  return ({ body, headers }) => {
    const value = names.map((name) => headers[name]).find((header) => header !== undefined);
    if (value === undefined) throw invalid(`the header ${names[0]} is missing`);
    const chain = new TextEncoder().encode(unescaped(value));
    parsePem(chain, "CERTIFICATE");
    return { body: derOf(body), chain };
  };
}

function unescaped(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch (cause) {
    throw new EndorsementError("ENDORSEMENT_INVALID", "the chain in a header is not URL-encoded", { cause });
  }
}

/** A list in hex, as a PCCS writes it, or PEM becomes DER; anything else stands as it is. */
function derOf(body: Uint8Array): Uint8Array {
  if (isPem(body)) return parsePem(body, "X509 CRL")[0] ?? body;
  const text = Buffer.from(body).toString("latin1").trim();
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : body;
}

function invalid(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}
