/** What verifies Arm CCA tokens beside the token itself. */
export interface CcaEndorsements {
  /** The public key of the platform's attestation key (CPAK): SubjectPublicKeyInfo in PEM or DER, a JWK, or a COSE_Key. */
  readonly platformKey?: Uint8Array;
}
