import type { Platform } from "../evidence/scheme.ts";

/** What a worker runs in: it makes evidence over report data. */
export interface Device {
  readonly platform: Platform;
  /** True where the evidence comes from a simulated vendor. */
  readonly simulated: boolean;
  /** Evidence over exactly 64 bytes; throws `RangeError` for another length. */
  quote(reportData: Uint8Array): Promise<Uint8Array>;
}
