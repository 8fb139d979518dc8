import { importEcPoint, sha256, verifyEcdsa, type VerifyKey } from "#crypto";
import { concat, equal, isZero, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import type { Memory } from "../../x509/memory.ts";
import { importKey, type PublicKey } from "../../x509/signature.ts";
import { need } from "../check-log.ts";
import type { Verified } from "../scheme.ts";
import { DCAP_CHECKS } from "./checks.ts";
import { verifyCollateral, type VerifiedCollateral } from "./collateral.ts";
import type { DcapContext } from "./context.ts";
import { dcapRules, pckCaOf, verifyPckChain, type DcapChain } from "./pck-chain.ts";
import { readPckExtension, type PckExtension } from "./pck.ts";
import type { Quote } from "./quote.ts";

/** A quote with everything that its verification found. */
export interface DcapEvidence {
  readonly quote: Quote;
  readonly chain: DcapChain;
  readonly pck: PckExtension;
  /** What could be verified of the collateral; a missing part is in the log as a check not made. */
  readonly collateral: VerifiedCollateral;
}

/**
 * Verifies a quote: PCK chain, quoting enclave, attestation key, quote, and the collateral as far as it is given.
 * Throws the first failure, `EvidenceError` or `EndorsementError`, after every check that could be made is in the log.
 * @see Intel SGX and TDX DCAP Quote Verification Library
 */
export async function verifyQuote(quote: Quote, context: DcapContext): Promise<Verified<DcapEvidence>> {
  const { log, endorsements, chains, trustRoots, now } = context;
  const chain = await log.check(DCAP_CHECKS.pckChain, async () => {
    const value = await verifyPckChain(quote, endorsements.pckCertChain, chains, dcapRules(trustRoots, now));
    return { value, detail: `issued by the ${pckCaOf(value) ?? ""} CA under ${value.root.name}` };
  });
  const pck = await log.check(DCAP_CHECKS.pckExtension, () => {
    const value = readPckExtension(need(chain, "the PCK chain").leaf);
    return { value, detail: `FMSPC ${hex(value.fmspc)}, PCE-ID ${hex(value.pceid)}, PCESVN ${value.pcesvn}` };
  });
  await verifySignatures(quote, chain, context);
  const collateral = await verifyCollateral({ quote, chain, pck, context });
  log.conclude();
  if (chain === undefined || pck === undefined) throw new EvidenceError("CHAIN_UNTRUSTED", "no verified PCK chain");
  const evidence: DcapEvidence = { quote, chain, pck, collateral };
  return evidence as Verified<DcapEvidence>;
}

async function verifySignatures(quote: Quote, chain: DcapChain | undefined, context: DcapContext): Promise<void> {
  const { certification } = quote;
  const { log, chains } = context;
  await log.check(DCAP_CHECKS.qeReportSignature, async () => {
    await checkQeReport(quote, need(chain, "the PCK chain").leaf.publicKey, chains.memory);
    return { value: true, detail: "the PCK signed the quoting enclave's report" };
  });
  await log.check(DCAP_CHECKS.qeReportBinding, () => {
    const { reportData } = certification.qeReport;
    const digest = sha256(quote.attestationKey, certification.qeAuthData);
    if (!equal(reportData.subarray(0, 32), digest) || !isZero(reportData.subarray(32))) {
      throw new EvidenceError("BINDING_MISMATCH", "the quoting enclave's report does not bind the attestation key");
    }
    return { value: true, detail: "the quoting enclave's report binds the attestation key" };
  });
  await log.check(DCAP_CHECKS.quoteSignature, async () => {
    const key = await attestationKey(quote, chains.memory);
    if (!(await verifyEcdsa("sha256", key, quote.signedPart, quote.signature))) throw broken("quote");
    return { value: true, detail: "the attestation key signed header and body" };
  });
}

/** The same for every quote until the platform makes another attestation key. */
async function checkQeReport({ certification }: Quote, pck: PublicKey, memory: Memory): Promise<void> {
  const { qeReportBytes, qeReportSignature } = certification;
  const signed = memory.parsed("signed QE report", concat(qeReportBytes, qeReportSignature), (bytes) => ({ bytes }));
  const verify = async () => verifyEcdsa("sha256", await importKey(pck), qeReportBytes, qeReportSignature);
  if (!(await memory.holds(signed, pck, verify))) throw broken("QE report");
}

async function attestationKey(quote: Quote, memory: Memory): Promise<VerifyKey> {
  try {
    return await memory.parsed("P-256 point", quote.attestationKey, (point) => importEcPoint("P-256", point));
  } catch (cause) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the attestation key is not a point of P-256", { cause });
  }
}

function broken(what: string): EvidenceError {
  return new EvidenceError("SIGNATURE_INVALID", `the ${what}'s signature does not hold`);
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
