/** What a device says of itself: a signed report and the certificates of the key that signed it. */
export interface GpuReport {
  readonly evidence: Uint8Array;
  /** PEM, leaf first, root last. */
  readonly certChain: Uint8Array;
}

/** A device beside a worker's TEE that makes evidence of its own. */
export interface Gpu {
  /** True where the report comes from a simulated vendor. */
  readonly simulated: boolean;
  /** A report over exactly 32 bytes that the asker chose; throws `RangeError` for another length. */
  report(nonce: Uint8Array): Promise<GpuReport>;
}
