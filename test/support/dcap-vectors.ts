import { INTEL_ROOT } from "../../offchain/verifier/trust-roots.ts";
import { parseManifest, type Vector } from "../../offchain/verifier/conformance.ts";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";
import { certificates } from "./dcap-chain.ts";
import { readVector, readVectors } from "./vectors.ts";

/** A vector's files, with the quote and the certificates as they stand in them. */
export interface DcapVector {
  readonly endorsements: DcapEndorsements;
  /** Without what follows the signature data; the file's bytes where it is no quote. */
  readonly quote: Uint8Array;
  /** PCK, CA and root, DER, as far as they can be read. */
  readonly pckChain: readonly Uint8Array[];
  /** PEM. */
  readonly pckChainPem: Uint8Array | undefined;
  /** The certificate of the root to trust. */
  readonly root: Uint8Array;
}

const INTEL_CHAIN = "dcap/collateral/pck-platform-ca-chain.pem";
const PCK_CERT_CHAIN = 5;

/** The vectors of quotes with collateral. */
export function dcapVectors(): readonly Vector[] {
  return parseManifest(readVectors("manifest.json"), Date.now()).filter(
    ({ platform, kind }) => platform.startsWith("intel-") && kind === "quote+collateral",
  );
}

/** The first real vector whose id starts so. */
export function realVector(prefix: string): Vector {
  const found = dcapVectors().find(
    ({ id, expect, tolerant }) => id.startsWith(prefix) && expect === "accept" && !tolerant,
  );
  if (found === undefined) throw new Error(`no vector ${prefix}`);
  return found;
}

/** Reads the files of a vector. */
export async function readDcapVector(vector: Vector): Promise<DcapVector> {
  const parts = Object.entries(vector.files).map(async ([role, path]) => [role, await readVector(path)] as const);
  const files: Readonly<Record<string, Uint8Array>> = Object.fromEntries(await Promise.all(parts));
  const { quote = new Uint8Array(), trustRoot, ...endorsements } = files;
  const root = trustRoot ?? certificates(await readVector(INTEL_CHAIN))[1];
  if (root === undefined) throw new Error(`no certificate of ${INTEL_ROOT.name}`);
  const carried = readQuote(quote);
  const pckChainPem = carried.pckChainPem ?? endorsements["pckCertChain"];
  return { endorsements, quote: carried.quote, pckChain: certificates(pckChainPem), pckChainPem, root };
}

function readQuote(bytes: Uint8Array): Pick<DcapVector, "quote" | "pckChainPem"> {
  try {
    const { bytes: quote, certification } = parseQuote(bytes);
    const { certificationDataType: type, certificationData } = certification;
    return { quote, pckChainPem: type === PCK_CERT_CHAIN ? certificationData : undefined };
  } catch {
    return { quote: bytes, pckChainPem: undefined };
  }
}
