/** The simulated AMD: authorities like AMD's for every processor line, SIMULATED in their organisation, and its state file. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { randomBytes, sha256 } from "#crypto";
import { toHex, uintBytes, type Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, integerField, listField } from "../../../encoding/members.ts";
import type { TrustRoot } from "../../../evidence/scheme.ts";
import type { Product } from "../../../evidence/sev-snp/product.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  keyUsage,
  subjectKeyIdentifier,
  type RawExtension,
} from "../../../x509/issue-extensions.ts";
import { issueCertificate, issuerKeyIdentifier, type DistinguishedName, type Issuer } from "../../../x509/issue.ts";
import { anyHexField, bytesOf, objectField, oneOfField, parseState } from "../state.ts";
import { LINES } from "./product.ts";

/** AMD's root key, and the signing keys of VCEK and of VLEK certificates. */
export type AmdAuthority = "ark" | "ask" | "asvk";

/** A simulated vendor as plain data; it holds private keys. */
export interface SimulatedAmd {
  readonly simulated: true;
  readonly vendor: typeof AMD_VENDOR;
  /** Chip ids, VCEKs and VLEKs are derived from these 32 bytes. */
  readonly seed: Hex;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** PKCS #8 of RSA-4096: one key for each authority, where AMD has one for each processor line as well. */
  readonly keys: Readonly<Record<AmdAuthority, Hex>>;
  /** DER. */
  readonly certificates: Readonly<Record<Product, Readonly<Record<AmdAuthority, Hex>>>>;
  readonly revoked: readonly RevokedAuthority[];
}

/** An authority that the ARK's revocation list names. */
export interface RevokedAuthority {
  readonly product: Product;
  readonly authority: "ask" | "asvk";
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
}

/** How every state file of the vendor is marked. */
export const AMD_VENDOR = "SIMULATED AMD";

const DAY = 86_400_000;
const NOT_AFTER = Date.UTC(2049, 11, 31, 23, 59, 59);
const MODULUS_LENGTH = 4096;
/** AMD writes one more zero bit for an ASK than DER allows. */
const ASK_BITS = { unusedBits: 1 };
/** AMD's ASVK is not the next after its ASK. */
const SERIAL_OFFSETS: Readonly<Record<AmdAuthority, number>> = { ark: 0, ask: 1, asvk: 0x101 };
/** No host has a name under `.invalid` (RFC 2606 section 2). */
const HOST = "https://simulated-amd.invalid";

/** Makes the three RSA keys of a vendor as PKCS #8, beside each other; they take about a second. */
export async function generateAmdKeys(): Promise<SimulatedAmd["keys"]> {
  const generate = async (): Promise<Hex> => {
    const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_LENGTH });
    return toHex(privateKey.export({ type: "pkcs8", format: "der" }));
  };
  const [ark, ask, asvk] = await Promise.all([generate(), generate(), generate()]);
  return { ark, ask, asvk };
}

/** Makes a vendor whose certificates begin one day before `now`; `keys` of an earlier one save the time to make some. */
export async function createSimulatedAmd(options: {
  readonly now: number;
  readonly seed?: Uint8Array;
  readonly keys?: SimulatedAmd["keys"];
}): Promise<SimulatedAmd> {
  const seed = options.seed ?? randomBytes(32);
  if (seed.length !== 32) throw new RangeError("the seed of a simulated vendor has 32 bytes");
  const keys = options.keys ?? (await generateAmdKeys());
  const of = (product: Product): Readonly<Record<AmdAuthority, Hex>> => {
    const issue = (authority: AmdAuthority): Hex =>
      toHex(issueAuthority(keys, { product, authority, notBefore: options.now - DAY }));
    return { ark: issue("ark"), ask: issue("ask"), asvk: issue("asvk") };
  };
  return {
    simulated: true,
    vendor: AMD_VENDOR,
    seed: toHex(seed),
    createdAt: options.now,
    keys,
    certificates: { Milan: of("Milan"), Genoa: of("Genoa"), Turin: of("Turin") },
    revoked: [],
  };
}

/** Issues the certificate of one authority. @see AMD publication 57230, certificate chain */
export function issueAuthority(
  keys: SimulatedAmd["keys"],
  authority: {
    readonly product: Product;
    readonly authority: AmdAuthority;
    readonly notBefore: number;
    readonly notAfter?: number;
  },
): Uint8Array {
  const { product, authority: role, notBefore, notAfter = NOT_AFTER } = authority;
  const ark = amdIssuer(keys, product, "ark");
  const publicKey = createPublicKey(privateKeyOf(keys[role]));
  const certificate = {
    serial: authoritySerial(product, role),
    subject: amdName(authorityName(product, role)),
    publicKey,
    notBefore,
    notAfter,
    extensions: authorityExtensions({ product, role, publicKey, ark }),
  };
  return issueCertificate(certificate, { ...ark, writesTrailer: true });
}

/** The vendor's root as an argument for verifiers, for every processor line. */
export function amdTrustRoot(vendor: SimulatedAmd): TrustRoot {
  const spki = createPublicKey(privateKeyOf(vendor.keys.ark)).export({ type: "spki", format: "der" });
  return { name: "SIMULATED AMD ARK", spkiSha256: toHex(sha256(spki)).slice(2), simulated: true };
}

/** The vendor with one more revoked authority; the next revocation list names it. */
export function revokeAuthority(vendor: SimulatedAmd, revoked: RevokedAuthority): SimulatedAmd {
  return { ...vendor, revoked: [...vendor.revoked, revoked] };
}

/** Who signs as an authority of a processor line. */
export function amdIssuer(keys: SimulatedAmd["keys"], product: Product, role: AmdAuthority): Issuer {
  return { name: amdName(authorityName(product, role)), privateKey: privateKeyOf(keys[role]) };
}

/** The serial number of an authority's certificate. */
export function authoritySerial(product: Product, role: AmdAuthority): Uint8Array {
  return uintBytes(LINES[product].serial + SERIAL_OFFSETS[role], 3);
}

/** A name as AMD's certificates carry it: verifiers ask for the common name as it is, so the organisation says SIMULATED. */
export function amdName(commonName: string): DistinguishedName {
  return {
    organizationalUnit: "Engineering",
    country: "US",
    locality: "Santa Clara",
    state: "CA",
    organization: "SIMULATED Advanced Micro Devices",
    commonName,
  };
}

/** Writes the state file; whoever reads it can make evidence of this vendor. */
export function amdVendorToJson(vendor: SimulatedAmd): string {
  return `${prettyJson(vendor)}\n`;
}

/** Reads a state file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function amdVendorFromJson(text: string): SimulatedAmd {
  return parseState(text, FIELDS, "the simulated AMD's state file");
}

function authorityName(product: Product, role: AmdAuthority): string {
  return { ark: `ARK-${product}`, ask: `SEV-${product}`, asvk: `SEV-VLEK-${product}` }[role];
}

function authorityExtensions(authority: {
  readonly product: Product;
  readonly role: AmdAuthority;
  readonly publicKey: KeyObject;
  readonly ark: Issuer;
}): readonly RawExtension[] {
  const { product, role, publicKey, ark } = authority;
  const subjectKey = subjectKeyIdentifier(publicKey);
  const crl = crlDistributionPoint(`${HOST}/${role === "asvk" ? "vlek" : "vcek"}/v1/${product}/crl`);
  if (role === "ark") {
    return [keyUsage(["keyCertSign", "crlSign"]), subjectKey, basicConstraints("authority"), crl];
  }
  const authorityKey = authorityKeyIdentifier(issuerKeyIdentifier(ark));
  return [subjectKey, authorityKey, basicConstraints({ pathLength: 0 }), keyUsage(["keyCertSign"], ASK_BITS), crl];
}

function privateKeyOf(pkcs8: Hex): KeyObject {
  return createPrivateKey({ key: Buffer.from(bytesOf(pkcs8)), format: "der", type: "pkcs8" });
}

/** PKCS #8 of an RSA key with 4096 bits. */
function rsaField(value: unknown): Hex | undefined {
  const pkcs8 = anyHexField(value);
  try {
    const details = pkcs8 && privateKeyOf(pkcs8).asymmetricKeyDetails;
    return details?.modulusLength === MODULUS_LENGTH ? pkcs8 : undefined;
  } catch {
    return undefined;
  }
}

const AUTHORITIES = { ark: anyHexField, ask: anyHexField, asvk: anyHexField };
const LINE = objectField(AUTHORITIES, "certificates of a line");
const REVOKED = {
  product: oneOfField("Milan", "Genoa", "Turin"),
  authority: oneOfField("ask", "asvk"),
  revokedAt: integerField(Number.MAX_SAFE_INTEGER),
};
const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(AMD_VENDOR),
  seed: hexField(32),
  createdAt: integerField(Number.MAX_SAFE_INTEGER),
  keys: objectField({ ark: rsaField, ask: rsaField, asvk: rsaField }, "keys"),
  certificates: objectField({ Milan: LINE, Genoa: LINE, Turin: LINE }, "certificates"),
  revoked: listField(100, objectField(REVOKED, "revoked")),
};
