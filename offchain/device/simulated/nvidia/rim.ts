/** Reference integrity manifests as NVIDIA publishes them: SWID tags with an enveloped signature. */
import { createPublicKey, sign } from "node:crypto";
import { sha384 } from "#crypto";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { toBase64 } from "../../../encoding/base64.ts";
import { issueCertificate, issuerKeyIdentifier } from "../../../x509/issue.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  keyUsage,
  subjectKeyIdentifier,
} from "../../../x509/issue-extensions.ts";
import { parsePem } from "../../../x509/pem.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import type { NvidiaDeviceFile } from "./device-file.ts";
import { goldenMeasurements, NVIDIA_PRODUCTS, rimId } from "./firmware.ts";
import type { GoldenMeasurement, NvidiaComponent, NvidiaKind } from "./firmware.ts";
import { nvidiaAuthority, nvidiaSerial } from "./vendor.ts";
import type { NvidiaRole, NvidiaVendor } from "./vendor.ts";

/** Which manifest. */
export interface RimSubject {
  readonly kind: NvidiaKind;
  readonly component: NvidiaComponent;
  readonly version: string;
}

/** What can be wrong with a manifest; each is what a careless or lying service could serve. */
export interface RimDefects {
  /** The measurement with this index (from 0) is edited after signing. */
  readonly editedMeasurement?: number;
  /** The manifest is honestly signed and says something else of this index (from 0). */
  readonly otherMeasurement?: number;
  /** The signature is by a key that nobody certified. */
  readonly forgedSignature?: boolean;
  /** There is no signature. */
  readonly unsigned?: boolean;
  /** The signer's certificate ended at this time, milliseconds since 1970. */
  readonly signerNotAfter?: number;
  /** The chain is the one of devices, and its lowest authority signs. */
  readonly signedByDeviceAuthority?: boolean;
  /** A device signs, with its own chain. */
  readonly signedByDevice?: Pick<NvidiaDeviceFile, "attestationKey" | "certChain">;
  /** The manifest says that it is for another product. */
  readonly otherProduct?: boolean;
  /** This many bytes are missing at the end. */
  readonly truncatedBy?: number;
}

interface Signer {
  readonly scalar: Hex;
  /** DER, signer first, root last. */
  readonly chain: readonly Uint8Array[];
}

const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const RIM_MODEL = "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const SHA384_HASH = "http://www.w3.org/2001/04/xmlenc#sha384";
const XMLDSIG = "http://www.w3.org/2000/09/xmldsig#";
const MORE_ALGORITHMS = "http://www.w3.org/2001/04/xmldsig-more#";
const CANONICAL = "http://www.w3.org/2006/12/xml-c14n11";
/** In scope at the signature, in canonical order. */
const SCOPE = [
  ["xmlns", SWID],
  ["xmlns:ns0", SWID],
  ["xmlns:ns2", SHA384_HASH],
] as const;
const COMPANY = "SIMULATED NVIDIA Corporation";
/** NVIDIA's private enterprise number. */
const MANUFACTURER_ID = "5703";
const DIGEST_LENGTH = 48;
const DAY = 86_400_000;

/**
 * Issues a manifest. It is written in canonical form, so that what is signed is what stands there.
 * @see ISO/IEC 19770-2; TCG Reference Integrity Manifest Information Model; W3C XML Signature; W3C Canonical XML 1.1
 */
export function issueRim(vendor: NvidiaVendor, subject: RimSubject, defects: RimDefects = {}): Uint8Array {
  const body = bodyOf(subject, defects);
  const signature =
    defects.unsigned === true ? "" : signatureOf(`${body}</SoftwareIdentity>`, signerOf(vendor, defects));
  const text = edited(`${body}${signature}</SoftwareIdentity>`, subject, defects);
  return utf8(text.slice(0, text.length - (defects.truncatedBy ?? 0)));
}

/** The document without its signature and its last end tag. */
function bodyOf(subject: RimSubject, defects: RimDefects): string {
  const { blocks, name } = NVIDIA_PRODUCTS[subject.kind];
  const product = defects.otherProduct === true ? "GB100" : name;
  const golden = goldenOf(subject, defects);
  const resources = Array.from({ length: blocks }, (_none, index) =>
    resource(
      index,
      golden.find((measurement) => measurement.index === index),
    ),
  );
  const attributes = {
    corpus: "false",
    name: product,
    patch: "false",
    supplemental: "false",
    tagId: toHex(sha384(utf8(rimId(subject.kind, subject.component, subject.version)))).slice(2),
    tagVersion: "0",
    version: "1.0",
  };
  return [
    openTag("SoftwareIdentity", { ...Object.fromEntries(SCOPE), ...attributes }),
    `    ${emptyTag("ns0:Entity", { name: COMPANY, role: "softwareCreator tagCreator" })}`,
    `    ${emptyTag("ns0:Meta", metaOf(subject, product))}`,
    `    ${openTag("ns0:Payload", { "xmlns:SHA384": SHA384_HASH })}`,
    ...resources.map((line) => `        ${line}`),
    "    </ns0:Payload>",
    "",
  ].join("\n");
}

function goldenOf({ kind, component, version }: RimSubject, defects: RimDefects): readonly GoldenMeasurement[] {
  const other = [sha384(utf8("SIMULATED other firmware"))];
  return goldenMeasurements(kind, component, version).map(({ index, digests }) => ({
    index,
    digests: index === defects.otherMeasurement ? other : digests,
  }));
}

/** Attributes in canonical order: namespace declarations, then plain names, then names by their namespace. */
function metaOf({ kind, version }: RimSubject, product: string): Readonly<Record<string, string>> {
  return {
    "xmlns:ns1": RIM_MODEL,
    PayloadType: "direct",
    colloquialVersion: version,
    edition: kind === "gpu" ? "GPU" : "SWITCH",
    product,
    revision: "r1",
    "ns1:BindingSpec": "RIMIM",
    "ns1:BindingSpecVersion": "1.01",
    "ns1:FirmwareManufacturer": COMPANY,
    "ns1:FirmwareManufacturerId": MANUFACTURER_ID,
    "ns1:PlatformManufacturerId": MANUFACTURER_ID,
    "ns1:PlatformManufacturerStr": COMPANY,
    "ns1:PlatformModel": product,
  };
}

function resource(index: number, golden: GoldenMeasurement | undefined): string {
  const digests = golden?.digests ?? [new Uint8Array(DIGEST_LENGTH)];
  const hashes = digests.map((digest, place) => [`ns2:Hash${place}`, toHex(digest).slice(2)]);
  return emptyTag("ns0:Resource", {
    active: golden === undefined ? "False" : "True",
    alternatives: String(digests.length),
    index: String(index),
    name: `Measurement_${index}`,
    size: String(DIGEST_LENGTH),
    type: "Measurement",
    ...Object.fromEntries(hashes),
  });
}

function signatureOf(canonicalBody: string, signer: Signer): string {
  const digest = toBase64(sha384(utf8(canonicalBody)));
  const content = signedInfoContent(digest);
  // The signed bytes are those of the element alone, where every namespace in scope must be written out.
  const inScope = { xmlns: SWID, "xmlns:ds": XMLDSIG, ...Object.fromEntries(SCOPE.slice(1)) };
  const signed = `${openTag("ds:SignedInfo", inScope)}${content}</ds:SignedInfo>`;
  const value = toBase64(sign("sha384", utf8(signed), { key: p384Key(signer.scalar), dsaEncoding: "ieee-p1363" }));
  const certificates = signer.chain.map((der) => `<ds:X509Certificate>${lines(der)}</ds:X509Certificate>`).join("");
  return [
    openTag("ds:Signature", { "xmlns:ds": XMLDSIG }),
    `<ds:SignedInfo>${content}</ds:SignedInfo>`,
    `<ds:SignatureValue>${value}</ds:SignatureValue>`,
    `<ds:KeyInfo><ds:X509Data>${certificates}</ds:X509Data></ds:KeyInfo>`,
    "</ds:Signature>",
  ].join("");
}

function signedInfoContent(digest: string): string {
  const algorithm = (name: string, uri: string): string => emptyTag(name, { Algorithm: uri });
  return [
    algorithm("ds:CanonicalizationMethod", CANONICAL),
    algorithm("ds:SignatureMethod", `${MORE_ALGORITHMS}ecdsa-sha384`),
    openTag("ds:Reference", { URI: "" }),
    "<ds:Transforms>",
    algorithm("ds:Transform", `${XMLDSIG}enveloped-signature`),
    algorithm("ds:Transform", CANONICAL),
    "</ds:Transforms>",
    algorithm("ds:DigestMethod", `${MORE_ALGORITHMS}sha384`),
    `<ds:DigestValue>${digest}</ds:DigestValue>`,
    "</ds:Reference>",
  ].join("");
}

function signerOf(vendor: NvidiaVendor, defects: RimDefects): Signer {
  const chainOf = (...roles: readonly NvidiaRole[]): Uint8Array[] =>
    roles.map((role) => bytesOf(vendor.certificates[role]));
  if (defects.signedByDeviceAuthority === true) {
    const chain = chainOf("gpuProvisioner", "identity", "root");
    return { scalar: deriveP384(vendor.seed, "gpuProvisioner"), chain };
  }
  if (defects.signedByDevice !== undefined) {
    const { attestationKey, certChain } = defects.signedByDevice;
    return { scalar: attestationKey, chain: parsePem(utf8(certChain), "CERTIFICATE") };
  }
  const leaf =
    defects.signerNotAfter === undefined ? chainOf("rimSigner") : [endedSigner(vendor, defects.signerNotAfter)];
  const name = defects.forgedSignature === true ? "forger" : "rimSigner";
  return { scalar: deriveP384(vendor.seed, name), chain: [...leaf, ...chainOf("rimIssuer", "rimCa", "rimRoot")] };
}

/** The signer's key in a certificate that ended. */
function endedSigner(vendor: NvidiaVendor, notAfter: number): Uint8Array {
  const issuer = nvidiaAuthority(vendor, "rimIssuer");
  const signer = nvidiaAuthority(vendor, "rimSigner");
  const publicKey = createPublicKey(signer.privateKey);
  const certificate = {
    serial: nvidiaSerial(signer, "ended"),
    subject: signer.name,
    publicKey,
    notBefore: notAfter - DAY,
    notAfter,
    extensions: [
      subjectKeyIdentifier(publicKey),
      authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
      basicConstraints("leaf"),
      keyUsage(["digitalSignature"]),
    ],
  };
  return issueCertificate(certificate, issuer);
}

function edited(text: string, { kind, component, version }: RimSubject, { editedMeasurement }: RimDefects): string {
  if (editedMeasurement === undefined) return text;
  const [digest] = goldenMeasurements(kind, component, version).find(({ index }) => index === editedMeasurement)
    ?.digests ?? [new Uint8Array(DIGEST_LENGTH)];
  const other = toHex(sha384(utf8("SIMULATED other firmware"))).slice(2);
  return text.replace(toHex(digest ?? new Uint8Array(DIGEST_LENGTH)).slice(2), other);
}

function openTag(name: string, attributes: Readonly<Record<string, string>>): string {
  return `<${[name, ...Object.entries(attributes).map(([key, value]) => `${key}="${value}"`)].join(" ")}>`;
}

/** Canonical form has no short empty tags. */
function emptyTag(name: string, attributes: Readonly<Record<string, string>>): string {
  return `${openTag(name, attributes)}</${name}>`;
}

function lines(der: Uint8Array): string {
  const groups = toBase64(der).match(/.{1,64}/g) ?? [];
  return `${groups.join("\n")}\n`;
}
