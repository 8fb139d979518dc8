/** Answers as AMD's key distribution service does, out of a simulated vendor; whoever mounts it brings the server. */
import { toHex } from "../../../encoding/bytes.ts";
import type { Product, TcbVersion } from "../../../evidence/sev-snp/product.ts";
import { amdCertChain, amdCrl } from "./endorsements.ts";
import { LINES, PRODUCTS, tcbFrom } from "./product.ts";
import type { SimulatedAmd } from "./vendor.ts";
import { certifyVek, type VekSubject } from "./vek.ts";

export interface KdsAnswer {
  readonly status: 200 | 400 | 404 | 429;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** `path` begins with a slash and has no query. */
export type KdsHandler = (path: string, query: URLSearchParams) => KdsAnswer;

export interface KdsOptions {
  /** Asked at every request, so that a revocation shows at once. */
  readonly vendor: () => SimulatedAmd;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Of two requests for a VCEK within this time the second is refused with 429, as AMD does within about 10 s. */
  readonly throttleMs?: () => number;
}

const ROUTE = /^\/(vcek|vlek)\/v1\/([A-Za-z]+)\/([A-Za-z0-9_]+)$/;
const HWID = /^(?:[0-9a-f]{2})+$/i;
const SVN = /^\d{1,3}$/;
const MAX_SVN = 255;
/** The query's parameter of each part. */
const PARAMETERS = { fmc: "fmcSPL", bl: "blSPL", tee: "teeSPL", snp: "snpSPL", ucode: "ucodeSPL" } as const;

/**
 * Makes the handler; certificates are issued at every request, the same key for the same chip and TCB.
 * @see AMD publication 57230, Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification
 */
export function createKdsHandler(options: KdsOptions): KdsHandler {
  const vcekOf = throttled(options, (product, hwid, query) => answerVcek(options.vendor(), { product, hwid, query }));
  return (path, query) => {
    const [, kind, name, resource = ""] = ROUTE.exec(path) ?? [];
    const product = PRODUCTS.find((known) => known === name);
    if (product === undefined) return refusal(404);
    if (resource === "cert_chain") {
      const chain = amdCertChain(options.vendor(), product, kind === "vcek" ? "VCEK" : "VLEK");
      return answer("application/x-pem-file", chain);
    }
    if (resource === "crl") return answer("application/pkix-crl", amdCrl(options.vendor(), product, options.now()));
    return kind === "vcek" ? vcekOf(product, resource, query) : refusal(404);
  };
}

type VcekAnswer = (product: Product, hwid: string, query: URLSearchParams) => KdsAnswer;

function throttled({ now, throttleMs }: KdsOptions, inner: VcekAnswer): VcekAnswer {
  let last = Number.NEGATIVE_INFINITY;
  return (...request) => {
    if (now() - last < (throttleMs?.() ?? 0)) return refusal(429);
    last = now();
    return inner(...request);
  };
}

function answerVcek(
  vendor: SimulatedAmd,
  request: { readonly product: Product; readonly hwid: string; readonly query: URLSearchParams },
): KdsAnswer {
  const { product, hwid, query } = request;
  const tcb = tcbOf(product, query);
  if (tcb === undefined || !HWID.test(hwid)) return refusal(400);
  const bytes = new Uint8Array(Buffer.from(hwid, "hex"));
  if (bytes.length !== LINES[product].hwidLength) return refusal(400);
  const subject: VekSubject = { product, type: "VCEK", hwid: toHex(bytes), tcb };
  return answer("application/pkix-cert", certifyVek(vendor, subject));
}

/** Every part of the line must be there; undefined where one is missing or no SVN. */
function tcbOf(product: Product, query: URLSearchParams): TcbVersion | undefined {
  const svnOf = (part: keyof TcbVersion): number => {
    const text = query.get(PARAMETERS[part]) ?? "";
    return SVN.test(text) ? Number(text) : Number.NaN;
  };
  const tcb = tcbFrom(product, svnOf);
  return Object.values(tcb).every((svn: number) => svn <= MAX_SVN) ? tcb : undefined;
}

function answer(type: string, body: Uint8Array): KdsAnswer {
  return { status: 200, headers: { "content-type": type }, body };
}

function refusal(status: 400 | 404 | 429): KdsAnswer {
  return { status, headers: {}, body: new Uint8Array(0) };
}
