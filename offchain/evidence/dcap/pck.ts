import { EvidenceError } from "../../errors.ts";
import type { Certificate } from "../../x509/certificate.ts";
import { DER, DerReader } from "../../x509/der.ts";

/** What Intel says of the platform in its PCK certificate. */
export interface PckExtension {
  /** 16 bytes. */
  readonly ppid: Uint8Array;
  /** The 16 SGX TCB component SVNs. */
  readonly componentSvns: readonly number[];
  readonly pcesvn: number;
  /** 16 bytes. */
  readonly cpusvn: Uint8Array;
  /** 2 bytes. */
  readonly pceid: Uint8Array;
  /** 6 bytes. */
  readonly fmspc: Uint8Array;
  readonly sgxType: number;
}

const SGX_EXTENSION = "1.2.840.113741.1.13.1";
const COMPONENTS = 16;

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `PCK certificate: ${message}`);

/** Says whether a certificate carries Intel's SGX extension, as every PCK certificate does and no other. */
export function hasSgxExtension(certificate: Certificate): boolean {
  return certificate.extensions.has(SGX_EXTENSION);
}

/**
 * Reads the SGX extension of a PCK certificate; throws `EvidenceError` `EVIDENCE_MALFORMED`.
 * @see Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, SGX extensions
 */
export function readPckExtension(certificate: Certificate): PckExtension {
  const extension = certificate.extensions.get(SGX_EXTENSION);
  if (extension === undefined) throw malformed("no SGX extension");
  const outer = new DerReader(extension.value);
  const members = readMembers(outer.enter("SGX extension"), SGX_EXTENSION);
  outer.end("SGX extension");
  const tcb = readMembers(member(members, 2).enter("TCB"), `${SGX_EXTENSION}.2`);
  return {
    ppid: octets(member(members, 1), "PPID", 16),
    componentSvns: Array.from({ length: COMPONENTS }, (_, index) => svn(member(tcb, index + 1), 0xff)),
    pcesvn: svn(member(tcb, 17), 0xffff),
    cpusvn: octets(member(tcb, 18), "CPUSVN", 16),
    pceid: octets(member(members, 3), "PCE-ID", 2),
    fmspc: octets(member(members, 4), "FMSPC", 6),
    sgxType: member(members, 5).uint32("SGX type", DER.enumerated),
  };
}

/** The values of a sequence of (object identifier, value), by the last arc under `parent`. */
function readMembers(reader: DerReader, parent: string): ReadonlyMap<number, DerReader> {
  const members = new Map<number, DerReader>();
  while (!reader.done) {
    const item = reader.enter("SGX extension member");
    const oid = item.oid("SGX extension member");
    const arc = Number(oid.slice(parent.length + 1));
    if (!oid.startsWith(`${parent}.`) || !Number.isInteger(arc) || members.has(arc)) {
      throw malformed(`SGX extension member ${oid} is unknown or given twice`);
    }
    members.set(arc, new DerReader(item.any("SGX extension value").raw));
    item.end("SGX extension member");
  }
  return members;
}

function member(members: ReadonlyMap<number, DerReader>, arc: number): DerReader {
  const found = members.get(arc);
  if (found === undefined) throw malformed(`SGX extension member ${arc} is missing`);
  return found;
}

function octets(reader: DerReader, what: string, length: number): Uint8Array {
  const bytes = reader.octetString(what);
  if (bytes.length !== length) throw malformed(`${what} is not ${length} bytes`);
  return bytes;
}

function svn(reader: DerReader, max: number): number {
  const value = reader.uint32("SVN");
  if (value > max) throw malformed(`an SVN of ${value}`);
  return value;
}
