/** NVIDIA's material for one device's report, as the bytes of its file. */
export interface NvidiaEndorsements {
  /** The device's certificates, PEM, leaf first, root last. */
  readonly certChain?: Uint8Array;
}
