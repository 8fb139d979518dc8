/** What runs inside the browser: the verifier, the receipt check and the client's sealing, behind functions that take and give JSON. */
import { parseHex, toHex, utf8, type Hex } from "../../offchain/encoding/bytes.ts";
import { CloisterError } from "../../offchain/errors.ts";
import { checkReceipt, parseReceipt, signReceipt, type ExpectedReceipt } from "../../offchain/receipt/receipt.ts";
import { sealRequest } from "../../offchain/sealing/request.ts";
import { openResponse, type ResponseContext } from "../../offchain/sealing/response.ts";
import { parseManifest, runVector, type VectorOutcome } from "../../offchain/verifier/conformance.ts";
import { parseVoucher } from "../../offchain/receipt/voucher.ts";
import { timeOf } from "./measure.ts";

/** A vector's outcome without the vector. */
export type PageOutcome = Omit<VectorOutcome, "vector"> & { readonly id: string };

const PARALLEL_FETCHES = 32;

interface ReceiptToCheck {
  readonly chainId: string;
  readonly escrow: Hex;
  readonly receipt: unknown;
  readonly signature: Hex;
  readonly expected: Omit<ExpectedReceipt, "voucher"> & { readonly voucher: unknown };
}

/** The page's functions, as a driver calls them. */
const page = {
  /** Runs every vector of the manifest at an address; its files are beside it. */
  async conform({ manifest, anyTime }: { manifest: string; anyTime: number }): Promise<readonly PageOutcome[]> {
    const base = new URL(manifest, location.href);
    const vectors = parseManifest(JSON.parse(new TextDecoder().decode(await fetched(base))), anyTime);
    const contents = await contentsOf(new Set(vectors.flatMap(({ files }) => Object.values(files))), base);
    const read = async (path: string): Promise<Uint8Array> => contents.get(path) ?? fetched(new URL(path, base));
    const outcomes: PageOutcome[] = [];
    for (const vector of vectors) {
      const { status, got, reason } = await runVector(vector, read);
      outcomes.push({ id: vector.id, status, got, reason });
    }
    return outcomes;
  },

  /** Seals a text to a node's key, as a client does. */
  async seal(request: { sealingKey: Hex; keyEpoch: number; channelId: Hex; text: string }) {
    const { text, sealingKey, ...rest } = request;
    const { sealed, context } = await sealRequest({ ...rest, sealingKey: bytesOf(sealingKey), content: utf8(text) });
    return { sealed: toHex(sealed), context };
  },

  /** Opens a response to the text in it. */
  async open({ context, sealed }: { context: ResponseContext; sealed: Hex }): Promise<string> {
    return coded(async () => new TextDecoder().decode(await openResponse(context, bytesOf(sealed))));
  },

  /** Signs a receipt, as an oracle of the browser's secp256k1. */
  sign({ chainId, escrow, receipt, key }: { chainId: string; escrow: Hex; receipt: unknown; key: Hex }): Hex {
    return signReceipt({ chainId: BigInt(chainId), verifyingContract: escrow }, parseReceipt(receipt), bytesOf(key));
  },

  /** Checks a receipt: `holds`, or the code of the refusal. */
  check({ chainId, escrow, receipt, signature, expected }: ReceiptToCheck): Promise<string> {
    return coded(() => {
      const domain = { chainId: BigInt(chainId), verifyingContract: escrow };
      checkReceipt(domain, parseReceipt(receipt), signature, { ...expected, voucher: parseVoucher(expected.voucher) });
      return "holds";
    });
  },

  timeOf,
};

export type Page = typeof page;

declare global {
  var cloister: Page;
}
globalThis.cloister = page;

/** Many vectors share a file, so each is fetched once. */
async function contentsOf(paths: ReadonlySet<string>, base: URL): Promise<ReadonlyMap<string, Uint8Array>> {
  const left = [...paths];
  const contents = new Map<string, Uint8Array>();
  while (left.length > 0) {
    const now = left.splice(0, PARALLEL_FETCHES);
    const bytes = await Promise.all(now.map((path) => fetched(new URL(path, base))));
    for (const [index, path] of now.entries()) contents.set(path, bytes[index] ?? new Uint8Array());
  }
  return contents;
}

async function fetched(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A result, or the code of the error. */
async function coded(work: () => string | Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CloisterError) return error.code;
    throw error;
  }
}

function bytesOf(hex: Hex): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new TypeError("not hex");
  return bytes;
}
