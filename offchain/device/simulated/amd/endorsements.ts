/** The certificates and the revocation list that a report of a simulated machine needs, with a switch for each defect. */
import { concat, toHex, utf8 } from "../../../encoding/bytes.ts";
import type { SevSnpEndorsements } from "../../../evidence/sev-snp/endorsements.ts";
import type { Product } from "../../../evidence/sev-snp/product.ts";
import { authorityKeyIdentifier, crlNumber } from "../../../x509/issue-extensions.ts";
import { issueCrl, issuerKeyIdentifier, toPem } from "../../../x509/issue.ts";
import { bytesOf } from "../state.ts";
import { vekSubjectOf, type AmdPlatformFile } from "./platform.ts";
import { LINES, movedTcb, PRODUCTS } from "./product.ts";
import { amdIssuer, authoritySerial, issueAuthority, type SimulatedAmd } from "./vendor.ts";
import { certifyVek, type VekSubject } from "./vek.ts";

/** What can be wrong with endorsements; each is what a careless or lying service could hand out. */
export const ENDORSEMENT_DEFECTS = [
  "vekOfOtherTcb",
  "vekOfOtherChip",
  "vekOfOtherProduct",
  "chainOfOtherProduct",
  "vekOfOtherType",
  "forgedVek",
  "expiredVek",
  "expiredIssuer",
  "expiredRoot",
  "askAsArk",
  "missingVek",
  "missingCrl",
  "forgedCrl",
  "expiredCrl",
  "crlOfOtherProduct",
] as const;

export type EndorsementDefect = (typeof ENDORSEMENT_DEFECTS)[number];

export interface EndorsementOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly defects?: readonly EndorsementDefect[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** AMD's lists hold for about a year. */
const CRL_VALIDITY = 365 * DAY;
const CRL_NUMBER = 1;

/** What verifiers need for one machine's reports, as DER. */
export function amdEndorsements(
  vendor: SimulatedAmd,
  platform: AmdPlatformFile,
  options: EndorsementOptions,
): SevSnpEndorsements {
  const { now, defects = [] } = options;
  const has = (defect: EndorsementDefect): boolean => defects.includes(defect);
  const other = otherThan(platform.product);
  const product = has("chainOfOtherProduct") ? other : platform.product;
  const { ark, ask, issuer } = chainOf(vendor, product, platform.signingKey);
  const expired = { notBefore: now - 2 * DAY, notAfter: now - DAY };
  const again = (authority: "ark" | typeof issuer) => issueAuthority(vendor.keys, { product, authority, ...expired });
  return {
    ...(has("missingVek") ? {} : { vek: vekWith(vendor, platform, options) }),
    ask: has("expiredIssuer") ? again(issuer) : ask,
    ark: has("askAsArk") ? ask : has("expiredRoot") ? again("ark") : ark,
    ...(has("missingCrl") ? {} : { crl: crlWith(vendor, has("crlOfOtherProduct") ? other : product, options) }),
  };
}

/** The ARK's revocation list, DER. @see AMD publication 57230, revocation list */
export function amdCrl(vendor: SimulatedAmd, product: Product, now: number): Uint8Array {
  return crlWith(vendor, product, { now });
}

/** PEM of an issuer and the ARK, as AMD's service hands them out. */
export function amdCertChain(vendor: SimulatedAmd, product: Product, type: "VCEK" | "VLEK"): Uint8Array {
  const { ark, ask } = chainOf(vendor, product, type);
  return concat(...[ask, ark].map((der) => utf8(toPem("CERTIFICATE", der))));
}

function chainOf(vendor: SimulatedAmd, product: Product, type: "VCEK" | "VLEK") {
  const issuer = type === "VCEK" ? "ask" : "asvk";
  const { [issuer]: ask, ark } = vendor.certificates[product];
  return { issuer, ask: bytesOf(ask), ark: bytesOf(ark) } as const;
}

function vekWith(vendor: SimulatedAmd, platform: AmdPlatformFile, options: EndorsementOptions): Uint8Array {
  const has = (defect: EndorsementDefect): boolean => options.defects?.includes(defect) === true;
  const own = vekSubjectOf(platform);
  const subject: VekSubject = {
    ...own,
    ...(has("vekOfOtherTcb") ? { tcb: movedTcb(own.product, own.tcb, 1) } : {}),
    ...(has("vekOfOtherChip") ? { hwid: toHex(bytesOf(own.hwid).fill(0xee)) } : {}),
    ...(has("vekOfOtherType") ? { type: own.type === "VCEK" ? "VLEK" : "VCEK" } : {}),
    ...(has("vekOfOtherProduct") || has("chainOfOtherProduct") ? sameChipElsewhere(own) : {}),
  };
  return certifyVek(vendor, subject, {
    ...(has("expiredVek") ? { notAfter: options.now - DAY } : {}),
    ...(has("forgedVek") ? { signedBy: own.type === "VCEK" ? "asvk" : "ask" } : {}),
    keyOf: own,
  });
}

/** Another line's certificate over the same key. */
function sameChipElsewhere({ product, hwid }: VekSubject): Pick<VekSubject, "product" | "hwid" | "tcb"> {
  const other = otherThan(product);
  const { hwidLength, tcb } = LINES[other];
  return {
    product: other,
    tcb,
    hwid: toHex(concat(bytesOf(hwid), new Uint8Array(hwidLength)).subarray(0, hwidLength)),
  };
}

function crlWith(vendor: SimulatedAmd, product: Product, { now, defects = [] }: EndorsementOptions): Uint8Array {
  const issuer = amdIssuer(vendor.keys, product, "ark");
  const { privateKey } = defects.includes("forgedCrl") ? amdIssuer(vendor.keys, product, "ask") : issuer;
  const thisUpdate = now - HOUR - (defects.includes("expiredCrl") ? CRL_VALIDITY : 0);
  const revoked = vendor.revoked.filter((entry) => entry.product === product);
  const list = {
    thisUpdate,
    nextUpdate: thisUpdate + CRL_VALIDITY,
    revoked: revoked.map(({ authority, revokedAt }) => ({ serial: authoritySerial(product, authority), revokedAt })),
    extensions: [authorityKeyIdentifier(issuerKeyIdentifier(issuer)), crlNumber(CRL_NUMBER)],
  };
  return issueCrl(list, { ...issuer, privateKey });
}

function otherThan(product: Product): Product {
  return PRODUCTS.find((candidate) => candidate !== product && candidate !== "Turin") ?? "Milan";
}
