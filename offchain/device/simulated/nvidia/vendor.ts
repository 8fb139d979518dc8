/** The simulated NVIDIA: hierarchies like NVIDIA's with SIMULATED in every name, and its state file. */
import { createPublicKey } from "node:crypto";
import { randomBytes, sha256 } from "#crypto";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, integerField, listField } from "../../../encoding/members.ts";
import type { TrustRoot } from "../../../evidence/scheme.ts";
import { issueCertificate, issuerKeyIdentifier } from "../../../x509/issue.ts";
import type { DistinguishedName, Issuer } from "../../../x509/issue.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  keyUsage,
  subjectKeyIdentifier,
} from "../../../x509/issue-extensions.ts";
import type { RawExtension } from "../../../x509/issue-extensions.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { anyHexField, objectField, oneOfField, parseState } from "../state.ts";
import { ocspAt } from "./extensions.ts";

/** A simulated vendor as plain data; it holds private keys. */
export interface NvidiaVendor {
  readonly simulated: true;
  readonly vendor: typeof NVIDIA_VENDOR;
  /** Every private key of the vendor is derived from these 32 bytes. */
  readonly seed: Hex;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** DER. */
  readonly certificates: Readonly<Record<NvidiaRole, Hex>>;
  readonly revoked: readonly RevokedNvidiaCertificate[];
}

/** A certificate that the vendor's OCSP responder calls revoked. */
export interface RevokedNvidiaCertificate {
  readonly issuer: NvidiaRole;
  readonly serial: Hex;
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
}

/** Every authority of the vendor: two of devices' chains end at `root`, those of manifests at `rimRoot`. */
export type NvidiaRole = keyof typeof AUTHORITIES;

interface Authority {
  readonly name: DistinguishedName;
  readonly issuer: string;
  readonly kind: "root" | "authority" | "signer";
  /** Years after the vendor was made; without end where not given, as NVIDIA's device certificates are. */
  readonly years?: number;
}

/** How every state file of the vendor is marked. */
export const NVIDIA_VENDOR = "SIMULATED NVIDIA";
/** Stands in device certificates for a time without end. @see RFC 5280 section 4.1.2.5 */
export const NO_END = Date.UTC(9999, 11, 31, 23, 59, 59);
/** No host has a name under `.invalid`, so no simulated certificate leads anybody to a real service (RFC 2606 section 2). */
const HOST = "http://simulated-nvidia.invalid";
const DAY = 86_400_000;
const YEAR = 365 * DAY;
const COMPANY = { organization: "SIMULATED NVIDIA Corporation" } as const;
const COUNTRY = { country: "US" } as const;

const AUTHORITIES = {
  root: {
    name: { commonName: "SIMULATED NVIDIA Device Identity CA", organization: "SIMULATED NVIDIA" },
    issuer: "root",
    kind: "root",
  },
  identity: {
    name: { commonName: "SIMULATED NVIDIA GH100 Identity", ...COMPANY },
    issuer: "root",
    kind: "authority",
  },
  gpuProvisioner: {
    name: { commonName: "SIMULATED NVIDIA GH100 Provisioner ICA 1", ...COMPANY, ...COUNTRY },
    issuer: "identity",
    kind: "authority",
  },
  switchProvisioner: {
    name: { commonName: "SIMULATED NVIDIA LS_10 Provisioner ICA 1", ...COMPANY, ...COUNTRY },
    issuer: "identity",
    kind: "authority",
  },
  rimRoot: {
    name: { ...COUNTRY, organization: "SIMULATED NVIDIA", commonName: "SIMULATED NVIDIA CoRIM signing Root CA" },
    issuer: "rimRoot",
    kind: "root",
    years: 30,
  },
  rimCa: {
    name: { commonName: "SIMULATED NVIDIA Reference Value GH100 CA", ...COMPANY, ...COUNTRY },
    issuer: "rimRoot",
    kind: "authority",
    years: 10,
  },
  rimIssuer: {
    name: { commonName: "SIMULATED NVIDIA Reference Value L3 GH100 001", ...COMPANY, ...COUNTRY },
    issuer: "rimCa",
    kind: "authority",
    years: 4,
  },
  rimSigner: {
    name: {
      ...COUNTRY,
      state: "CA",
      locality: "Santa Clara",
      ...COMPANY,
      commonName: "SIMULATED NVIDIA HCC RIM L4 Signer",
    },
    issuer: "rimIssuer",
    kind: "signer",
    years: 2,
  },
} as const satisfies Record<string, Authority>;

/** The vendor's authorities. */
export const NVIDIA_ROLES = Object.keys(AUTHORITIES) as readonly NvidiaRole[];

/** Makes a vendor whose certificates begin one day before `now`; the same `seed` (32 bytes) gives the same keys. */
export function createNvidiaVendor(options: { readonly now: number; readonly seed?: Uint8Array }): NvidiaVendor {
  const seedBytes = options.seed ?? randomBytes(32);
  if (seedBytes.length !== 32) throw new RangeError("the seed of a simulated vendor has 32 bytes");
  const seed = toHex(seedBytes);
  const certificates = NVIDIA_ROLES.map((role) => [role, toHex(issueAuthority(seed, role, options.now))]);
  return {
    simulated: true,
    vendor: NVIDIA_VENDOR,
    seed,
    createdAt: options.now,
    certificates: Object.fromEntries(certificates) as Record<NvidiaRole, Hex>,
    revoked: [],
  };
}

/** The root of devices' chains as an argument for verifiers; it says that it is simulated. */
export function nvidiaDeviceTrustRoot(vendor: NvidiaVendor): TrustRoot {
  return trustRootOf(vendor, "root");
}

/** The root of the chains that sign reference integrity manifests. */
export function nvidiaRimTrustRoot(vendor: NvidiaVendor): TrustRoot {
  return trustRootOf(vendor, "rimRoot");
}

/** The vendor with one more revoked certificate; the next OCSP response says so. */
export function revokeNvidia(vendor: NvidiaVendor, certificate: RevokedNvidiaCertificate): NvidiaVendor {
  return { ...vendor, revoked: [...vendor.revoked, certificate] };
}

/** Who signs as one of the vendor's authorities. */
export function nvidiaAuthority({ seed }: Pick<NvidiaVendor, "seed">, role: NvidiaRole): Issuer {
  return { name: AUTHORITIES[role].name, privateKey: p384Key(deriveP384(seed, role)) };
}

/** The role that issued an authority's certificate; a root's own. */
export function issuerOf(role: NvidiaRole): NvidiaRole {
  return AUTHORITIES[role].issuer;
}

/** A serial number of 16 bytes that a key and a purpose fix. */
export function nvidiaSerial(issuer: Issuer, purpose: string): Uint8Array {
  const serial = sha256(utf8(purpose), spkiOf(issuer)).slice(0, 16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** Writes the state file; whoever reads it can make evidence of this vendor. */
export function nvidiaVendorToJson(vendor: NvidiaVendor): string {
  return `${prettyJson(vendor)}\n`;
}

/** Reads a state file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function nvidiaVendorFromJson(text: string): NvidiaVendor {
  return parseState(text, FIELDS, "the simulated vendor's state file");
}

function issueAuthority(seed: Hex, role: NvidiaRole, now: number): Uint8Array {
  const authority: Authority = AUTHORITIES[role];
  const issuer = nvidiaAuthority({ seed }, issuerOf(role));
  const self = nvidiaAuthority({ seed }, role);
  const template = {
    serial: nvidiaSerial(self, role),
    subject: self.name,
    publicKey: createPublicKey(self.privateKey),
    notBefore: now - DAY,
    notAfter: authority.years === undefined ? NO_END : now + authority.years * YEAR,
    extensions: extensionsOf(role, self, issuer),
  };
  return issueCertificate(template, issuer);
}

/** In the order of NVIDIA's certificates of each kind. */
function extensionsOf(role: NvidiaRole, self: Issuer, issuer: Issuer): RawExtension[] {
  const keys = [
    subjectKeyIdentifier(createPublicKey(self.privateKey)),
    authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
  ];
  const { kind } = AUTHORITIES[role];
  if (kind === "signer") return [...keys, basicConstraints("leaf"), keyUsage(["digitalSignature"]), ocspAt(HOST)];
  const constraints = basicConstraints(role === "rimIssuer" ? { pathLength: 0 } : "authority");
  const base = [constraints, keyUsage(["keyCertSign", "crlSign"])];
  if (kind === "root") return [...base, ...keys];
  return [...base, crlDistributionPoint(`${HOST}/crl/${issuerOf(role)}.crl`), ocspAt(HOST), ...keys];
}

function trustRootOf(vendor: NvidiaVendor, role: "root" | "rimRoot"): TrustRoot {
  const spkiSha256 = toHex(sha256(spkiOf(nvidiaAuthority(vendor, role)))).slice(2);
  const purpose = role === "root" ? "evidence" : "reference-values";
  return { name: AUTHORITIES[role].name.commonName, spkiSha256, simulated: true, family: "nvidia", purpose };
}

function spkiOf({ privateKey }: Issuer): Uint8Array {
  return new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
}

const CERTIFICATES = {
  root: anyHexField,
  identity: anyHexField,
  gpuProvisioner: anyHexField,
  switchProvisioner: anyHexField,
  rimRoot: anyHexField,
  rimCa: anyHexField,
  rimIssuer: anyHexField,
  rimSigner: anyHexField,
};
const REVOKED = {
  issuer: oneOfField(...NVIDIA_ROLES),
  serial: anyHexField,
  revokedAt: integerField(Number.MAX_SAFE_INTEGER),
};
const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(NVIDIA_VENDOR),
  seed: hexField(32),
  createdAt: integerField(Number.MAX_SAFE_INTEGER),
  certificates: objectField(CERTIFICATES, "certificates"),
  revoked: listField(10_000, objectField(REVOKED, "revoked")),
};
