import { concat, uintBytes } from "../../encoding/bytes.ts";
import { parsePem } from "../../x509/pem.ts";
import type { DcapEndorsements } from "./endorsements.ts";
import { pckChainOf } from "./pck-chain.ts";
import { type Quote } from "./quote.ts";
import { parseSignedJson } from "./signed-json.ts";

/** A quote as the contract `DcapVerifier` takes it. */
export interface ContractQuote {
  /** The quote with empty certification data: nothing signs those, and the contract does not read them. */
  readonly quote: Uint8Array;
  /** Header, body and signature: what `verifyWithKey` takes. */
  readonly signedQuote: Uint8Array;
  /** DER. */
  readonly pckCertificate: Uint8Array;
  /** `attestation key || QE report`: with the PCK's id in front, the preimage of a cached key's id. */
  readonly keyPreimage: Uint8Array;
}

/** A statement of Intel's as the contract `IntelCollateral` takes it. */
export interface ContractStatement {
  /** The TCB signing certificate, DER. */
  readonly signer: Uint8Array;
  /** The signed bytes as they stand. */
  readonly document: Uint8Array;
  /** `r || s`. */
  readonly signature: Uint8Array;
}

const PCK_CERT_CHAIN = 5;
const QE_REPORT_CERTIFICATION_DATA = 6;

/** Makes a quote small for the chain; throws `EvidenceError` where neither quote nor `given` (PEM) has a PCK chain. */
export function contractQuote(quote: Quote, given?: Uint8Array): ContractQuote {
  const { certification, signature, attestationKey, signedPart } = quote;
  const { qeReportBytes, qeReportSignature, qeAuthData } = certification;
  const [pckCertificate = new Uint8Array()] = parsePem(pckChainOf(quote, given), "CERTIFICATE");
  const inner = concat(
    qeReportBytes,
    qeReportSignature,
    littleEndian(qeAuthData.length, 2),
    qeAuthData,
    littleEndian(PCK_CERT_CHAIN, 2),
    littleEndian(0, 4),
  );
  const head = concat(littleEndian(QE_REPORT_CERTIFICATION_DATA, 2), littleEndian(inner.length, 4));
  const signatureData = concat(signature, attestationKey, ...(quote.version === 3 ? [] : [head]), inner);
  return {
    quote: concat(signedPart, littleEndian(signatureData.length, 4), signatureData),
    signedQuote: concat(signedPart, signature),
    pckCertificate,
    keyPreimage: concat(attestationKey, qeReportBytes),
  };
}

/** Takes a signed document apart for the chain, with the signer of its chain (PEM); throws `EndorsementError` or `EvidenceError`. */
export function contractStatement(
  member: "tcbInfo" | "enclaveIdentity",
  document: Uint8Array,
  issuerChain: Uint8Array,
): ContractStatement {
  const { signedPart, signature } = parseSignedJson(document, member);
  const [signer = new Uint8Array()] = parsePem(issuerChain, "CERTIFICATE");
  return { signer, document: signedPart, signature };
}

/** The two statements in endorsements; throws as `contractStatement`. */
export function contractStatements(
  endorsements: Pick<DcapEndorsements, "tcbInfo" | "qeIdentity" | "tcbSigningChain" | "qeIdentityIssuerChain">,
): { readonly tcbInfo: ContractStatement; readonly qeIdentity: ContractStatement } {
  const { tcbInfo, qeIdentity, tcbSigningChain = new Uint8Array() } = endorsements;
  return {
    tcbInfo: contractStatement("tcbInfo", tcbInfo ?? new Uint8Array(), tcbSigningChain),
    qeIdentity: contractStatement(
      "enclaveIdentity",
      qeIdentity ?? new Uint8Array(),
      endorsements.qeIdentityIssuerChain ?? tcbSigningChain,
    ),
  };
}

function littleEndian(value: number, width: number): Uint8Array {
  return uintBytes(value, width).toReversed();
}
