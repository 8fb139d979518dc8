/** NVIDIA's material for one device's report, as the bytes of its files. */
export interface NvidiaEndorsements {
  /** The device's certificates, PEM, leaf first, root last. */
  readonly certChain?: Uint8Array;
  /** The reference integrity manifest of a GPU's driver, SWID XML. */
  readonly driverRim?: Uint8Array;
  /** The reference integrity manifest of the VBIOS of a GPU, or of a switch's firmware, SWID XML. */
  readonly vbiosRim?: Uint8Array;
  /** Answers of NVIDIA's OCSP service, DER, for certificates of the device and of its manifests; one for each at most. */
  readonly ocspResponses?: readonly Uint8Array[];
}
