import { sha384, verifyEcdsa } from "#crypto";
import { parseBase64 } from "../../encoding/base64.ts";
import { equal, utf8 } from "../../encoding/bytes.ts";
import { canonicalXml } from "../../encoding/xml-canonical.ts";
import { attributeOf, elementsOf, textOfElement, type XmlElement } from "../../encoding/xml.ts";
import { EvidenceError } from "../../errors.ts";
import { importKey, type PublicKey } from "../../x509/signature.ts";

/** A signature over all of the document that it stands in, as parsed; nothing is verified. */
export interface EnvelopedSignature {
  /** The document without the signature, in canonical form. */
  readonly content: Uint8Array;
  /** SHA-384 of the content, as signed. */
  readonly digest: Uint8Array;
  /** What the signature is over, in canonical form. */
  readonly signedInfo: Uint8Array;
  /** `r || s` on P-384. */
  readonly value: Uint8Array;
  /** DER, in the order of the document. */
  readonly certificates: readonly Uint8Array[];
}

const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const MORE = "http://www.w3.org/2001/04/xmldsig-more#";
const ENVELOPED = `${DSIG}enveloped-signature`;
const CANONICAL = ["http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"];
const ECDSA_SHA384 = `${MORE}ecdsa-sha384`;
const SHA384 = `${MORE}sha384`;
const MAX_CERTIFICATES = 8;

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `XML signature: ${message}`);
const unsupported = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_UNSUPPORTED", `XML signature: ${message}`);

/**
 * Reads the one signature of a document, which must be a child of the outermost element and refer to all of the document:
 * so whatever is read from the document is what was signed. Only canonical XML without comments, ECDSA with SHA-384 and certificates
 * are known. Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see W3C XML Signature Syntax and Processing 1.1, sections 4 and 6.6.4
 */
export function readEnvelopedSignature(document: XmlElement): EnvelopedSignature {
  const signature = soleSignature(document);
  const [signedInfo, value, keyInfo] = named(signature, ["SignedInfo", "SignatureValue", "KeyInfo"]);
  return {
    content: utf8(canonicalXml(document, signature)),
    digest: readSignedInfo(signedInfo),
    signedInfo: utf8(canonicalXml(signedInfo)),
    value: base64(value),
    certificates: readCertificates(keyInfo),
  };
}

/** Verifies the digest of the content and the signature under a key; throws `EvidenceError` `SIGNATURE_INVALID`. */
export async function verifyEnvelopedSignature(signature: EnvelopedSignature, key: PublicKey): Promise<void> {
  if (!equal(sha384(signature.content), signature.digest)) {
    throw new EvidenceError("SIGNATURE_INVALID", "the document is not the one that was signed");
  }
  const holds =
    key.curve === "P-384" && (await verifyEcdsa("sha384", await importKey(key), signature.signedInfo, signature.value));
  if (!holds) throw new EvidenceError("SIGNATURE_INVALID", "the document's signature does not hold");
}

function soleSignature(document: XmlElement): XmlElement {
  const found = signaturesIn(document);
  const [signature, ...others] = found;
  if (signature === undefined) throw malformed("none in the document");
  if (others.length > 0) throw malformed(`${found.length} in one document`);
  if (!document.children.includes(signature)) throw malformed("not directly under the outermost element");
  return signature;
}

function signaturesIn(element: XmlElement): readonly XmlElement[] {
  const inside = element.children.flatMap((child) => (typeof child === "string" ? [] : signaturesIn(child)));
  return element.namespace === DSIG && element.local === "Signature" ? [element, ...inside] : inside;
}

/** The digest of the one reference; every algorithm and the reference itself must be the only ones known here. */
function readSignedInfo(signedInfo: XmlElement): Uint8Array {
  const [canonicalization, method, reference] = named(signedInfo, [
    "CanonicalizationMethod",
    "SignatureMethod",
    "Reference",
  ]);
  checkAlgorithm(canonicalization, CANONICAL);
  checkAlgorithm(method, [ECDSA_SHA384]);
  if (reference.attributes.length !== 1 || attributeOf(reference, "URI") !== "") {
    throw unsupported("a reference to anything but the document");
  }
  const [transforms, digestMethod, digest] = named(reference, ["Transforms", "DigestMethod", "DigestValue"]);
  const [enveloped, canonical] = named(transforms, ["Transform", "Transform"]);
  checkAlgorithm(enveloped, [ENVELOPED]);
  checkAlgorithm(canonical, CANONICAL);
  checkAlgorithm(digestMethod, [SHA384]);
  return base64(digest);
}

function checkAlgorithm(element: XmlElement, known: readonly string[]): void {
  const algorithm = attributeOf(element, "Algorithm") ?? "";
  if (!known.includes(algorithm)) throw unsupported(`${element.local} ${algorithm}`);
  if (element.attributes.length !== 1 || elementsOf(element)?.length !== 0) {
    throw unsupported(`${element.local} with parameters`);
  }
}

function readCertificates(keyInfo: XmlElement): readonly Uint8Array[] {
  const [data] = named(keyInfo, ["X509Data"]);
  const certificates = elementsOf(data) ?? [];
  if (certificates.length === 0 || certificates.length > MAX_CERTIFICATES) {
    throw malformed(`${certificates.length} certificates`);
  }
  return certificates.map((certificate) => {
    if (certificate.namespace !== DSIG || certificate.local !== "X509Certificate") {
      throw unsupported(`${certificate.local} in X509Data`);
    }
    return base64(certificate);
  });
}

/** The children of an element, which must be exactly these. */
function named<Names extends readonly string[]>(
  element: XmlElement,
  names: readonly [...Names],
): { readonly [Index in keyof Names]: XmlElement } {
  const children = elementsOf(element);
  const same =
    children?.length === names.length &&
    children.every(({ namespace, local }, index) => namespace === DSIG && local === names[index]);
  if (!same) throw malformed(`${element.local} does not hold exactly ${names.join(", ")}`);
  return children as unknown as { readonly [Index in keyof Names]: XmlElement };
}

/** White space is allowed in base64 here. @see XML Schema Part 2, base64Binary */
function base64(element: XmlElement): Uint8Array {
  const bytes = parseBase64(textOfElement(element)?.replaceAll(/[ \t\r\n]+/g, "") ?? "");
  if (bytes === undefined || bytes.length === 0) throw malformed(`${element.local} is not base64`);
  return bytes;
}
