/** What can be wrong with an attestation document; each is what a broken or lying node could send. */
import type { CborInput, Sign1Parts } from "../../../cose/issue.ts";
import type { Damage } from "../damage.ts";
import type { LEAF_DEFECTS } from "./certificates.ts";

/** The fields of a document by name, in AWS's order. */
export type DocumentFields = Map<CborInput, CborInput>;

const HOUR = 3_600_000n;

const without =
  (name: string) =>
  (fields: DocumentFields): void =>
    void fields.delete(name);

const replaced =
  (name: string, value: CborInput) =>
  (fields: DocumentFields): void =>
    void fields.set(name, value);

const pcr =
  (index: number, length: number) =>
  (fields: DocumentFields): void =>
    void pcrsOf(fields).set(index, new Uint8Array(length).fill(1));

const moved =
  (by: bigint) =>
  (fields: DocumentFields): void =>
    void fields.set("timestamp", (fields.get("timestamp") as bigint) + by);

const bundled =
  (change: (bundle: readonly Uint8Array[]) => readonly Uint8Array[]) =>
  (fields: DocumentFields): void =>
    void fields.set("cabundle", change(fields.get("cabundle") as readonly Uint8Array[]));

/** Documents that are other than AWS's, under a signature that holds. @see AWS Nitro Enclaves Attestation Process, section 2.2 */
export const DOCUMENT_DEFECTS = {
  /** In debug mode nothing is measured. */
  debug: (fields) => {
    for (const index of [0, 1, 2]) pcrsOf(fields).set(index, new Uint8Array(48));
  },
  noModuleId: without("module_id"),
  emptyModuleId: replaced("module_id", ""),
  otherDigest: replaced("digest", "SHA256"),
  noTimestamp: without("timestamp"),
  zeroTimestamp: replaced("timestamp", 0),
  futureTimestamp: moved(4n * HOUR),
  pastTimestamp: moved(-4n * HOUR),
  noPcrs: without("pcrs"),
  missingPcr: (fields) => void pcrsOf(fields).delete(1),
  pcrLength: pcr(0, 47),
  pcrsOfTwoLengths: pcr(1, 32),
  pcrNumber: pcr(32, 48),
  noCertificate: without("certificate"),
  emptyBundle: replaced("cabundle", []),
  reversedBundle: bundled((bundle) => bundle.toReversed()),
  bundleWithoutRoot: bundled((bundle) => bundle.slice(1)),
  bundleWithoutZone: bundled((bundle) => bundle.filter((_, index) => index !== 2)),
  longUserData: replaced("user_data", new Uint8Array(513)),
  noUserData: replaced("user_data", null),
  longNonce: replaced("nonce", new Uint8Array(513)),
  longPublicKey: replaced("public_key", new Uint8Array(1025)),
  furtherField: replaced("further", 1),
} as const satisfies Readonly<Record<string, (fields: DocumentFields) => void>>;

/** Messages that are other than the NSM's. @see AWS Nitro Enclaves Attestation Process, section 3.1 */
export const MESSAGE_DEFECTS = {
  otherAlgorithm: { protectedBytes: Uint8Array.of(0xa1, 0x01, 0x26) },
  noAlgorithm: { protectedBytes: Uint8Array.of(0xa0) },
  furtherHeader: { protectedBytes: Uint8Array.of(0xa2, 0x01, 0x38, 0x22, 0x04, 0x40) },
  unprotectedHeader: { unprotectedHeaders: new Map([[4, new Uint8Array(1)]]) },
} as const satisfies Readonly<Record<string, Partial<Sign1Parts>>>;

/** What is wrong with one device's documents. */
export interface NitroDefects extends Damage {
  readonly document?: keyof typeof DOCUMENT_DEFECTS;
  readonly message?: keyof typeof MESSAGE_DEFECTS;
  readonly leaf?: (typeof LEAF_DEFECTS)[number];
  /** Signed by another key than the certificate's. */
  readonly forgedSignature?: boolean;
  /** The document is over these 64 bytes, whatever was asked for. */
  readonly reportData?: Uint8Array;
}

function pcrsOf(fields: DocumentFields): Map<CborInput, CborInput> {
  return fields.get("pcrs") as Map<CborInput, CborInput>;
}
