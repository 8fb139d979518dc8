/** The simulated Intel: a hierarchy like Intel's with SIMULATED in every name, and its state file. */
import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { randomBytes, sha256 } from "#crypto";
import { toHex } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, integerField, listField } from "../../../encoding/members.ts";
import type { TrustRoot } from "../../../evidence/scheme.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  keyUsage,
  subjectKeyIdentifier,
  type RawExtension,
} from "../../../x509/issue-extensions.ts";
import { issueCertificate, issuerKeyIdentifier } from "../../../x509/issue.ts";
import type { DistinguishedName, Issuer } from "../../../x509/issue.ts";
import { deriveScalar, privateKeyOf, serialOf, spkiOf } from "./keys.ts";
import { anyHexField, objectField, oneOfField, parseState } from "../state.ts";

export type PckCa = "platform" | "processor";

/** A certification authority with its path length, or a leaf that signs data. */
type CertificateRole = { readonly pathLength: number } | "leaf";

type Role = "root" | "platform" | "processor" | "tcbSigning";

/** A simulated vendor as plain data; it holds private keys. */
export interface SimulatedVendor {
  readonly simulated: true;
  readonly vendor: typeof VENDOR;
  /** Every private key of the vendor is derived from these 32 bytes. */
  readonly seed: Hex;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** DER. */
  readonly certificates: Readonly<Record<Role, Hex>>;
  readonly revoked: readonly RevokedCertificate[];
}

/** A certificate that the vendor's CRLs list: a PCK under its CA, or a CA under the root. */
export interface RevokedCertificate {
  readonly issuer: PckCa | "root";
  readonly serial: Hex;
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
}

/** How every state file of the vendor is marked. */
export const VENDOR = "SIMULATED Intel";
const DAY = 86_400_000;
const YEAR = 365 * DAY;
const ROOT_NOT_AFTER = Date.UTC(2049, 11, 31, 23, 59, 59);
const COMMON_NAMES: Readonly<Record<Role, string>> = {
  root: "SIMULATED Intel SGX Root CA",
  platform: "SIMULATED Intel SGX PCK Platform CA",
  processor: "SIMULATED Intel SGX PCK Processor CA",
  tcbSigning: "SIMULATED Intel SGX TCB Signing",
};
/** No host has a name under `.invalid`, so no simulated certificate leads anybody to a real service (RFC 2606 section 2). */
const HOST = "https://simulated-intel.invalid";
const ROOT_CRL_URL = `${HOST}/IntelSGXRootCA.der`;

/** Makes a vendor whose certificates begin one day before `now`; the same `seed` (32 bytes) gives the same keys. */
export function createSimulatedVendor(options: { readonly now: number; readonly seed?: Uint8Array }): SimulatedVendor {
  const seedBytes = options.seed ?? randomBytes(32);
  if (seedBytes.length !== 32) throw new RangeError("the seed of a simulated vendor has 32 bytes");
  const seed = toHex(seedBytes);
  const issuer = authority(seed, "root");
  const issue = (name: Role, { notAfter, role }: { notAfter: number; role: CertificateRole }): Hex => {
    const privateKey = privateKeyOf(deriveScalar(seed, name));
    const publicKey = createPublicKey(privateKey);
    const certificate = {
      serial: serialOf(privateKey, name),
      subject: distinguishedName(COMMON_NAMES[name]),
      publicKey,
      notBefore: options.now - DAY,
      notAfter,
      extensions: standardExtensions({ role, publicKey, issuer, crlUrl: ROOT_CRL_URL }),
    };
    return toHex(issueCertificate(certificate, issuer));
  };
  const pckCa = { notAfter: options.now + 15 * YEAR, role: { pathLength: 0 } };
  return {
    simulated: true,
    vendor: VENDOR,
    seed,
    createdAt: options.now,
    certificates: {
      root: issue("root", { notAfter: ROOT_NOT_AFTER, role: { pathLength: 1 } }),
      platform: issue("platform", pckCa),
      processor: issue("processor", pckCa),
      tcbSigning: issue("tcbSigning", { notAfter: options.now + 7 * YEAR, role: "leaf" }),
    },
    revoked: [],
  };
}

/** The vendor's root as an argument for verifiers; it says that it is simulated. */
export function simulatedTrustRoot(vendor: SimulatedVendor): TrustRoot {
  const spki = spkiOf(privateKeyOf(deriveScalar(vendor.seed, "root")));
  return { name: COMMON_NAMES.root, spkiSha256: toHex(sha256(spki)).slice(2), simulated: true };
}

/** The vendor with one more revoked certificate; the next collateral lists it. */
export function revoke(vendor: SimulatedVendor, certificate: RevokedCertificate): SimulatedVendor {
  return { ...vendor, revoked: [...vendor.revoked, certificate] };
}

/** Who signs as one of the vendor's authorities. */
export function vendorAuthority(vendor: SimulatedVendor, role: Role): Issuer {
  return authority(vendor.seed, role);
}

/**
 * The extensions of Intel's certificates in its order.
 * @see Intel SGX PCK Certificate and CRL Profile Specification section 1.2
 */
export function standardExtensions(certificate: {
  readonly role: CertificateRole;
  readonly publicKey: KeyObject;
  readonly issuer: Issuer;
  readonly crlUrl: string;
}): readonly RawExtension[] {
  const { role, publicKey, issuer, crlUrl } = certificate;
  return [
    authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
    crlDistributionPoint(crlUrl),
    subjectKeyIdentifier(publicKey),
    keyUsage(role === "leaf" ? ["digitalSignature", "nonRepudiation"] : ["keyCertSign", "crlSign"]),
    basicConstraints(role),
  ];
}

/** Where a PCK certificate says that its CRL is. */
export function pckCrlUrl(ca: PckCa): string {
  return `${HOST}/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`;
}

/** A subject name of the simulated vendor. */
export function distinguishedName(commonName: string): DistinguishedName {
  return {
    commonName,
    organization: "SIMULATED Intel Corporation",
    locality: "Santa Clara",
    state: "CA",
    country: "US",
  };
}

/** Writes the state file; whoever reads it can make evidence of this vendor. */
export function vendorToJson(vendor: SimulatedVendor): string {
  return `${prettyJson(vendor)}\n`;
}

/** Reads a state file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function vendorFromJson(text: string): SimulatedVendor {
  return parseState(text, FIELDS, "the simulated vendor's state file");
}

function authority(seed: Hex, role: Role): Issuer {
  return { name: distinguishedName(COMMON_NAMES[role]), privateKey: privateKeyOf(deriveScalar(seed, role)) };
}

const CERTIFICATES = { root: anyHexField, platform: anyHexField, processor: anyHexField, tcbSigning: anyHexField };
const REVOKED = {
  issuer: oneOfField("platform", "processor", "root"),
  serial: anyHexField,
  revokedAt: integerField(Number.MAX_SAFE_INTEGER),
};
const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(VENDOR),
  seed: hexField(32),
  createdAt: integerField(Number.MAX_SAFE_INTEGER),
  certificates: objectField(CERTIFICATES, "certificates"),
  revoked: listField(10_000, objectField(REVOKED, "revoked")),
};
