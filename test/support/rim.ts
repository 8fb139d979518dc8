/** Reference integrity manifests under a test PKI, written in canonical form, so that a test can put any defect into one. */
import { createHash, sign } from "node:crypto";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { certificate, createKeys, ECDSA_SHA384, type Bytes, type CertificateParts, type Keys } from "./pki.ts";

export const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const HASH = "http://www.w3.org/2001/04/xmlenc#sha384";
const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const MORE = "http://www.w3.org/2001/04/xmldsig-more#";
export const C14N11 = "http://www.w3.org/2006/12/xml-c14n11";
const SCOPE = `xmlns="${SWID}" xmlns:ns0="${SWID}" xmlns:ns2="${HASH}"`;

/** Who signs manifests. */
export interface RimSigner {
  readonly keys: readonly Keys[];
  /** DER, signer first, root last. */
  readonly certificates: readonly Buffer[];
  readonly root: TrustRoot;
}

export function createRimSigner(change: (place: number) => Partial<CertificateParts> = () => ({})): RimSigner {
  const names = ["RIM Signer", "Reference Value CA", "Test RIM Root"];
  const keys = names.map(() => createKeys("P-384"));
  const at = <T>(list: readonly T[], place: number): T => list[Math.min(place, list.length - 1)]!;
  const certificates = names.map((subject, place) =>
    certificate({
      subject,
      issuer: at(names, place + 1),
      keys: at(keys, place),
      issuerKeys: at(keys, place + 1),
      isCa: place > 0,
      algorithm: ECDSA_SHA384,
      ...change(place),
    }),
  );
  const spkiSha256 = createHash("sha256").update(at(keys, 2).spki).digest("hex");
  const root = {
    name: "Test RIM Root",
    spkiSha256,
    simulated: true,
    family: "nvidia",
    purpose: "reference-values",
  } as const;
  return { keys, certificates, root };
}

/** Everything that a manifest says; each part can be replaced, also after signing. */
export interface RimParts {
  readonly version?: string;
  readonly product?: string;
  /** Attributes of the outermost element, in canonical order. */
  readonly attributes?: string;
  readonly meta?: string;
  readonly resources?: readonly string[];
  /** Further children before the signature. */
  readonly extra?: string;
  readonly signedInfo?: (content: string) => string;
  readonly signature?: (element: string) => string;
  readonly document?: (text: string) => string;
  readonly certificates?: readonly Bytes[];
  readonly signer?: Keys;
}

export const digestText = (byte: number): string => Buffer.alloc(48, byte).toString("hex");

/** One measurement, by default active, of one digest. */
export function resource(
  index: number,
  digests: readonly string[],
  change: { active?: string; alternatives?: string; size?: string; index?: string; type?: string } = {},
): string {
  const { active = "True", alternatives = String(digests.length), size = "48", type = "Measurement" } = change;
  const hashes = digests.map((digest, place) => ` ns2:Hash${place}="${digest}"`).join("");
  return `<ns0:Resource active="${active}" alternatives="${alternatives}" index="${change.index ?? index}" name="M${index}" size="${size}" type="${type}"${hashes}></ns0:Resource>`;
}

const algorithm = (name: string, uri: string): string => `<ds:${name} Algorithm="${uri}"></ds:${name}>`;

export function signedInfoContent(digest: string): string {
  const transforms = `${algorithm("Transform", `${DSIG}enveloped-signature`)}${algorithm("Transform", C14N11)}`;
  return [
    algorithm("CanonicalizationMethod", C14N11),
    algorithm("SignatureMethod", `${MORE}ecdsa-sha384`),
    `<ds:Reference URI=""><ds:Transforms>${transforms}</ds:Transforms>`,
    `${algorithm("DigestMethod", `${MORE}sha384`)}<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`,
  ].join("");
}

/** A signed manifest of a driver or firmware. */
export function signedRim(signer: RimSigner, parts: RimParts = {}): Buffer {
  const body = bodyOf(parts);
  const element = signatureElement(body, signer, parts);
  const text = `${body}${parts.signature?.(element) ?? element}</SoftwareIdentity>`;
  return Buffer.from(parts.document?.(text) ?? text);
}

/** The document without its signature and its last end tag. */
function bodyOf(parts: RimParts): string {
  const { version = "590.12", product = "GH100", extra = "" } = parts;
  const attributes =
    parts.attributes ?? `corpus="false" name="${product}" patch="false" supplemental="false" tagId="tag"`;
  const meta = parts.meta ?? `<ns0:Meta colloquialVersion="${version}" product="${product}"></ns0:Meta>`;
  const resources = parts.resources ?? [resource(1, [digestText(2)])];
  const open = `<SoftwareIdentity ${SCOPE} ${attributes}>`;
  return `${open}\n  ${meta}\n  <ns0:Payload>${resources.join("\n")}</ns0:Payload>${extra}\n`;
}

function signatureElement(body: string, signer: RimSigner, parts: RimParts): string {
  const digest = createHash("sha384").update(`${body}</SoftwareIdentity>`).digest("base64");
  const content = parts.signedInfo?.(signedInfoContent(digest)) ?? signedInfoContent(digest);
  const scope = `xmlns="${SWID}" xmlns:ds="${DSIG}" xmlns:ns0="${SWID}" xmlns:ns2="${HASH}"`;
  const key = { key: (parts.signer ?? signer.keys[0])!.privateKey, dsaEncoding: "ieee-p1363" as const };
  const signed = `<ds:SignedInfo ${scope}>${content}</ds:SignedInfo>`;
  const value = sign("sha384", Buffer.from(signed), key).toString("base64");
  const chain = (parts.certificates ?? signer.certificates)
    .map((der) => `<ds:X509Certificate>${Buffer.from(der).toString("base64")}\n</ds:X509Certificate>`)
    .join("");
  return [
    `<ds:Signature xmlns:ds="${DSIG}"><ds:SignedInfo>${content}</ds:SignedInfo>`,
    `<ds:SignatureValue>${value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>${chain}</ds:X509Data></ds:KeyInfo></ds:Signature>`,
  ].join("");
}
