import { parseQuote } from "../evidence/dcap/quote.ts";
import { pckChainOf } from "../evidence/dcap/pck-chain.ts";
import { readPckExtension } from "../evidence/dcap/pck.ts";
import { EvidenceError } from "../errors.ts";
import { toHex } from "../encoding/bytes.ts";
import { ChainVerifier } from "../x509/chain.ts";
import type { PcsTarget } from "./pcs.ts";

/**
 * Reads from a quote, unverified, which endorsements it needs; a lie only fetches endorsements that will not fit.
 * Throws `EvidenceError` where the quote or its PCK chain cannot be read.
 */
export function pcsTargetOf(evidence: Uint8Array): PcsTarget {
  const quote = parseQuote(evidence);
  const [leaf, issuer] = new ChainVerifier().parse(pckChainOf(quote, undefined));
  if (leaf === undefined || issuer === undefined)
    throw new EvidenceError("EVIDENCE_MALFORMED", "the PCK chain is too short");
  const { fmspc } = readPckExtension(leaf);
  const ca = (issuer.subject.commonName ?? "").includes("Platform") ? "platform" : "processor";
  return { fmspc: toHex(fmspc).slice(2), ca, tee: quote.tee };
}
