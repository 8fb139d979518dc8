/**
 * AMD's certificates for one report, each part as the bytes of its file, DER or PEM.
 * @see AMD publication 57230, Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification
 */
export interface SevSnpEndorsements {
  /** VCEK or VLEK certificate, whichever signed the report. */
  readonly vek?: Uint8Array;
  /** Its issuer: the ASK of a VCEK, the ASVK of a VLEK. */
  readonly ask?: Uint8Array;
  readonly ark?: Uint8Array;
  /** The ARK's revocation list, DER, PEM or hex; verified where it is given. */
  readonly crl?: Uint8Array;
}
