/** The certificates of simulated Nitro Enclaves: root, region, zone, instance, enclave, as AWS issues them. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { sha256 } from "#crypto";
import { concat, toHex, uintBytes, utf8, type Hex } from "../../../encoding/bytes.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  keyUsage,
  subjectKeyIdentifier,
  type KeyUsage,
  type RawExtension,
} from "../../../x509/issue-extensions.ts";
import { issueCertificate, issuerKeyIdentifier, type DistinguishedName, type Issuer } from "../../../x509/issue.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";

/** Where an enclave runs, by AWS's ids. */
export interface EnclavePlace {
  /** `i-` and 17 hex digits. */
  readonly instanceId: string;
  /** 8 bytes; the module's name ends with it. */
  readonly enclaveId: Hex;
}

/** What can be wrong with an enclave's certificate. */
export const LEAF_DEFECTS = ["expired", "notYetValid", "authority", "maySignNothing", "forged"] as const;

export const ROOT_NAME = "SIMULATED aws.nitro-enclaves";
export const REGION = "us-sim-1";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const ROOT_NOT_AFTER = Date.UTC(2049, 11, 31, 23, 59, 59);
/** As AWS's: the region's for 20 days, the zone's for 6, the instance's for one, the enclave's for three hours. */
const VALIDITY = { region: 20 * DAY, zone: 6 * DAY, instance: DAY, enclave: 3 * HOUR } as const;
/** No host has a name under `.invalid` (RFC 2606 section 2). */
const HOST = "http://simulated-aws.invalid";
const AUTHORITY_USES: KeyUsage = ["digitalSignature", "keyCertSign", "crlSign"];
const COMPANY = { organization: "SIMULATED Amazon", organizationalUnit: "AWS" } as const;

type Authority = "root" | "region" | "zone";

/** Issues the root, as DER. */
export function issueRoot(seed: Hex, now: number): Uint8Array {
  const issuer = awsIssuer(seed, "root");
  const publicKey = createPublicKey(issuer.privateKey);
  const extensions = [basicConstraints("authority"), subjectKeyIdentifier(publicKey), keyUsage(AUTHORITY_USES)];
  const validity = { notBefore: now - DAY, notAfter: ROOT_NOT_AFTER };
  return issueCertificate(
    { serial: serialOf(publicKey, 16), subject: issuer.name, publicKey, ...validity, extensions },
    issuer,
  );
}

/** Issues the authorities between root and enclave at a time, as DER, the region's first. */
export function issueAuthorities(
  seed: Hex,
  instance: { readonly instanceId: string; readonly key: KeyObject },
  issuedAt: number,
): readonly Uint8Array[] {
  const authority = (role: "region" | "zone", by: Authority, pathLength: number): Uint8Array => {
    const { name, privateKey } = awsIssuer(seed, role);
    const publicKey = createPublicKey(privateKey);
    const validity = { notBefore: issuedAt - HOUR, notAfter: issuedAt - HOUR + VALIDITY[role] };
    const issuer = awsIssuer(seed, by);
    const extensions = authorityExtensions(seed, { publicKey, issuer, pathLength });
    return issueCertificate(
      { serial: serialOf(publicKey, 16), subject: name, publicKey, ...validity, extensions },
      issuer,
    );
  };
  return [
    authority("region", "root", 2),
    authority("zone", "region", 1),
    issueInstance(instance, awsIssuer(seed, "zone"), issuedAt),
  ];
}

/** Issues an enclave's certificate, as DER; its instance signs. */
export function issueEnclave(
  place: EnclavePlace,
  keys: { readonly instance: KeyObject; readonly enclave: KeyObject; readonly foreign: KeyObject },
  options: { readonly now: number; readonly defect?: (typeof LEAF_DEFECTS)[number] },
): Uint8Array {
  const { now, defect } = options;
  const shift = { expired: -DAY, notYetValid: DAY }[defect as string] ?? 0;
  const issuedAt = now + shift;
  const extensions =
    defect === "authority"
      ? [basicConstraints("authority"), keyUsage(AUTHORITY_USES)]
      : [
          basicConstraints("leaf"),
          keyUsage(defect === "maySignNothing" ? ["crlSign"] : LEAF_USES, { critical: false }),
        ];
  return issueCertificate(
    {
      serial: concat(bytesOf(place.enclaveId), uintBytes(Math.floor(issuedAt / SECOND), 8)),
      subject: placeName(`${moduleId(place)}.${REGION}.aws`),
      publicKey: createPublicKey(keys.enclave),
      notBefore: issuedAt - 3 * SECOND,
      notAfter: issuedAt + VALIDITY.enclave,
      extensions,
    },
    { name: instanceName(place), privateKey: defect === "forged" ? keys.foreign : keys.instance },
  );
}

const LEAF_USES: KeyUsage = ["digitalSignature", "nonRepudiation"];

/** The name of an enclave on its instance. */
export function moduleId({ instanceId, enclaveId }: EnclavePlace): string {
  return `${instanceId}-enc${enclaveId.slice(2)}`;
}

/** Who signs as one of the vendor's authorities. */
export function awsIssuer(seed: Hex, role: Authority): Issuer {
  const label = toHex(sha256(bytesOf(seed), utf8(role))).slice(2, 18);
  const names: Readonly<Record<Authority, DistinguishedName>> = {
    root: { country: "US", ...COMPANY, commonName: ROOT_NAME },
    region: { country: "US", ...COMPANY, commonName: `${label}.${REGION}.aws.nitro-enclaves` },
    zone: {
      commonName: `${label}.zonal.${REGION}.aws.nitro-enclaves`,
      organizationalUnit: COMPANY.organizationalUnit,
      organization: COMPANY.organization,
      country: "US",
      state: "WA",
      locality: "Seattle",
    },
  };
  return { name: names[role], privateKey: p384Key(deriveP384(seed, role)) };
}

function issueInstance(
  { instanceId, key }: { readonly instanceId: string; readonly key: KeyObject },
  issuer: Issuer,
  issuedAt: number,
): Uint8Array {
  const publicKey = createPublicKey(key);
  const extensions = [
    basicConstraints({ pathLength: 0 }),
    keyUsage(["keyCertSign"]),
    subjectKeyIdentifier(publicKey),
    authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
  ];
  const validity = { notBefore: issuedAt - SECOND, notAfter: issuedAt - SECOND + VALIDITY.instance };
  const subject = instanceName({ instanceId });
  return issueCertificate({ serial: serialOf(publicKey, 20), subject, publicKey, ...validity, extensions }, issuer);
}

function authorityExtensions(
  seed: Hex,
  certificate: { readonly publicKey: KeyObject; readonly issuer: Issuer; readonly pathLength: number },
): readonly RawExtension[] {
  const list = toHex(sha256(bytesOf(seed), utf8("list"))).slice(2, 34);
  return [
    basicConstraints({ pathLength: certificate.pathLength }),
    authorityKeyIdentifier(issuerKeyIdentifier(certificate.issuer)),
    subjectKeyIdentifier(certificate.publicKey),
    keyUsage(AUTHORITY_USES),
    crlDistributionPoint(`${HOST}/crl/${list}.crl`),
  ];
}

function instanceName({ instanceId }: Pick<EnclavePlace, "instanceId">): DistinguishedName {
  return placeName(`${instanceId}.${REGION}.aws.nitro-enclaves`);
}

function placeName(commonName: string): DistinguishedName {
  return { country: "US", state: "Washington", locality: "Seattle", ...COMPANY, commonName };
}

/** A serial number that a key fixes. */
function serialOf(publicKey: KeyObject, length: number): Uint8Array {
  const serial = sha256(publicKey.export({ type: "spki", format: "der" })).slice(0, length);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
