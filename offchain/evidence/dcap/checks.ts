import type { CheckName } from "../check-log.ts";

const PCK_PROFILE = "Intel SGX PCK Certificate and CRL Profile Specification";
const PCS = "Intel PCS API v4";
const QUOTE_LIBRARY = "Intel TDX DCAP Quoting Library API, appendix A; Intel SGX ECDSA Quote Library API, appendix A";
const QVL = "Intel SGX and TDX DCAP Quote Verification Library";

/** Every check that verifying a quote makes, in order. */
export const DCAP_CHECKS = {
  pckChain: { id: "pck-chain", reference: `RFC 5280 section 6.1; ${PCK_PROFILE}` },
  pckExtension: { id: "pck-extension", reference: `${PCK_PROFILE}, SGX extensions` },
  qeReportSignature: { id: "qe-report-signature", reference: `${QUOTE_LIBRARY}, QE report signature` },
  qeReportBinding: { id: "qe-report-binding", reference: `${QUOTE_LIBRARY}, QE report data` },
  quoteSignature: { id: "quote-signature", reference: `${QUOTE_LIBRARY}, ISV enclave report signature` },
  rootCrl: { id: "root-crl", reference: `RFC 5280 section 6.3; ${PCK_PROFILE}` },
  pckCaRevocation: { id: "pck-ca-revocation", reference: "RFC 5280 section 6.3.3" },
  pckCrlIssuer: { id: "pck-crl-issuer", reference: `RFC 5280 section 6.3; ${PCS}, Get Revocation List` },
  pckRevocation: { id: "pck-revocation", reference: `RFC 5280 section 6.3.3; ${PCS}, Get Revocation List` },
  tcbSigner: { id: "tcb-signer", reference: `${PCS}, TCB signing chain; RFC 5280 section 6.1` },
  tcbInfo: { id: "tcb-info", reference: `${PCS}, Get TCB Info` },
  tcbInfoMatch: { id: "tcb-info-match", reference: `${QVL}, TCB info and quote` },
  qeIdentity: { id: "qe-identity", reference: `${PCS}, Get Quoting Enclave Identity` },
  qeIdentityMatch: { id: "qe-identity-match", reference: `${QVL}, enclave report verification` },
  tdxModule: { id: "tdx-module", reference: `${PCS}, TDX module identities` },
  tcbLevel: { id: "tcb-level", reference: `${PCS}, How to determine TCB status` },
} as const satisfies Record<string, CheckName>;
