import { importEcPoint, sha256, verifyEcdsa, type VerifyKey } from "#crypto";
import { equal, isZero, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import { importKey } from "../../x509/signature.ts";
import { need, type CheckLog } from "../check-log.ts";
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
  await verifySignatures(quote, chain, log);
  const collateral = await verifyCollateral({ quote, chain, pck, context });
  log.conclude();
  if (chain === undefined || pck === undefined) throw new EvidenceError("CHAIN_UNTRUSTED", "no verified PCK chain");
  const evidence: DcapEvidence = { quote, chain, pck, collateral };
  return evidence as Verified<DcapEvidence>;
}

async function verifySignatures(quote: Quote, chain: DcapChain | undefined, log: CheckLog): Promise<void> {
  const { certification } = quote;
  await log.check(DCAP_CHECKS.qeReportSignature, async () => {
    const key = await importKey(need(chain, "the PCK chain").leaf.publicKey);
    await checkSignature(key, certification.qeReportBytes, certification.qeReportSignature, "QE report");
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
    await checkSignature(await attestationKey(quote), quote.signedPart, quote.signature, "quote");
    return { value: true, detail: "the attestation key signed header and body" };
  });
}

async function attestationKey(quote: Quote): Promise<VerifyKey> {
  try {
    return await importEcPoint("P-256", quote.attestationKey);
  } catch (cause) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the attestation key is not a point of P-256", { cause });
  }
}

async function checkSignature(key: VerifyKey, message: Uint8Array, signature: Uint8Array, what: string): Promise<void> {
  if (!(await verifyEcdsa("sha256", key, message, signature))) {
    throw new EvidenceError("SIGNATURE_INVALID", `the ${what}'s signature does not hold`);
  }
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
