import { EvidenceError } from "../../errors.ts";

/** What the guest's owner demands of the platform. */
export interface GuestPolicy {
  readonly value: bigint;
  readonly abiMajor: number;
  readonly abiMinor: number;
  /** Simultaneous multithreading is allowed. */
  readonly smt: boolean;
  /** A migration agent may be associated. */
  readonly migrateMa: boolean;
  /** The host may read and write the guest's memory. */
  readonly debug: boolean;
  readonly singleSocket: boolean;
}

const RESERVED_ONE = 17;
const FIRST_RESERVED = 26n;

/**
 * Reads a guest policy; throws `EvidenceError` `EVIDENCE_MALFORMED` where bit 17 is not set or a reserved bit is.
 * @see AMD publication 56860, table Guest Policy
 */
export function readPolicy(value: bigint): GuestPolicy {
  const bit = (index: number): boolean => ((value >> BigInt(index)) & 1n) === 1n;
  if (!bit(RESERVED_ONE)) throw malformed("bit 17, which must be one, is zero");
  if (value >> FIRST_RESERVED !== 0n) throw malformed("reserved bits are set");
  return {
    value,
    abiMajor: Number((value >> 8n) & 0xffn),
    abiMinor: Number(value & 0xffn),
    smt: bit(16),
    migrateMa: bit(18),
    debug: bit(19),
    singleSocket: bit(20),
  };
}

function malformed(message: string): EvidenceError {
  return new EvidenceError("EVIDENCE_MALFORMED", `SEV-SNP guest policy: ${message}`);
}
