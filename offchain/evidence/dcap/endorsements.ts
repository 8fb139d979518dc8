/**
 * Intel's signed material for one quote, each part as the bytes of its file: JSON text, PEM text or DER.
 * @see Intel SGX and TDX Provisioning Certification Service API v4
 */
export interface DcapEndorsements {
  /** `{"tcbInfo": ..., "signature": ...}`, JSON. */
  readonly tcbInfo?: Uint8Array;
  /** `{"enclaveIdentity": ..., "signature": ...}`, JSON. */
  readonly qeIdentity?: Uint8Array;
  /** TCB signing certificate and root, PEM. */
  readonly tcbSigningChain?: Uint8Array;
  /** PEM; where it is absent the QE identity is verified with `tcbSigningChain`. */
  readonly qeIdentityIssuerChain?: Uint8Array;
  /** DER, PEM or hex. */
  readonly pckCrl?: Uint8Array;
  /** PCK CA and root, PEM; the CRL is held against the PCK's own CA with and without it. */
  readonly pckCrlIssuerChain?: Uint8Array;
  /** DER, PEM or hex. */
  readonly rootCaCrl?: Uint8Array;
  /** PCK leaf first, PEM; used only where the quote carries no chain of its own. */
  readonly pckCertChain?: Uint8Array;
}
