import { createPublicKey } from "node:crypto";
import { randomBytes } from "#crypto";
import { concat, toHex } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { issueCertificate, issuerKeyIdentifier, toPem } from "../../../x509/issue.ts";
import type { DistinguishedName, Issuer } from "../../../x509/issue.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  keyIdentifierOf,
  keyUsage,
  subjectKeyIdentifier,
} from "../../../x509/issue-extensions.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import type { NvidiaDeviceFile } from "./device-file.ts";
import { compositeDeviceId, deviceName } from "./extensions.ts";
import { firmwareIdOf, NVIDIA_PRODUCTS, PUBLISHED_VERSIONS } from "./firmware.ts";
import type { NvidiaKind } from "./firmware.ts";
import { NO_END, nvidiaAuthority } from "./vendor.ts";
import type { NvidiaVendor } from "./vendor.ts";

export interface NvidiaDeviceOptions {
  readonly kind: NvidiaKind;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The same name under the same vendor is the same device; a new one where not given. */
  readonly name?: string;
  /** The newest where not given, as for the next. */
  readonly driverVersion?: string;
  readonly vbiosVersion?: string;
  /** The end of the firmware's certificate; none where not given. */
  readonly notAfter?: number;
}

interface BootAuthority extends Issuer {
  readonly serial: Uint8Array;
}

const DAY = 86_400_000;
const PROVISIONERS = { gpu: "gpuProvisioner", switch: "switchProvisioner" } as const;

/** Makes a device and has the vendor certify its boot key, which certifies the firmware's. */
export function provisionNvidiaDevice(vendor: NvidiaVendor, options: NvidiaDeviceOptions): NvidiaDeviceFile {
  const { kind } = options;
  const { vbiosVersion = PUBLISHED_VERSIONS.vbios[0], driverVersion = PUBLISHED_VERSIONS.driver[0] } = options;
  const name = options.name ?? toHex(randomBytes(16));
  const attestationKey = deriveP384(vendor.seed, `firmware/${kind}/${name}`);
  const chipId = toHex(bytesOf(deriveP384(vendor.seed, `chip/${kind}/${name}`)).slice(0, 8));
  const firmwareId = firmwareIdOf(kind, vbiosVersion);
  const boot = bootAuthority(vendor, kind, { name, chipId });
  const certificates = [
    certifyFirmware(boot, { ...options, attestationKey, chipId, firmwareId }),
    certifyBoot(vendor, kind, boot, options.now),
    ...([PROVISIONERS[kind], "identity", "root"] as const).map((role) => bytesOf(vendor.certificates[role])),
  ];
  return {
    simulated: true,
    vendor: vendor.vendor,
    kind,
    driverVersion: kind === "gpu" ? driverVersion : null,
    vbiosVersion,
    chipId,
    firmwareId,
    bootSerial: toHex(boot.serial),
    certChain: certificates.map((der) => toPem("CERTIFICATE", der)).join(""),
    attestationKey,
  };
}

/** The chip's id after one byte is the serial number of the boot code's certificate. */
function bootAuthority(
  vendor: NvidiaVendor,
  kind: NvidiaKind,
  device: { readonly name: string; readonly chipId: Hex },
): BootAuthority {
  const serial = concat(Uint8Array.of(0x41), bytesOf(device.chipId));
  const privateKey = p384Key(deriveP384(vendor.seed, `boot/${kind}/${device.name}`));
  return { name: subjectOf(kind, "BROM", serial), privateKey, serial };
}

function certifyBoot(vendor: NvidiaVendor, kind: NvidiaKind, boot: BootAuthority, now: number): Uint8Array {
  const issuer = nvidiaAuthority(vendor, PROVISIONERS[kind]);
  const publicKey = createPublicKey(boot.privateKey);
  const extensions = [
    basicConstraints("authority"),
    keyUsage(["keyCertSign"]),
    subjectKeyIdentifier(publicKey),
    authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
  ];
  const { serial, name: subject } = boot;
  return issueCertificate({ serial, subject, publicKey, notBefore: now - DAY, notAfter: NO_END, extensions }, issuer);
}

/** What the boot code says of the firmware that it starts; a certificate that ended begins before its end. */
function certifyFirmware(
  boot: BootAuthority,
  device: NvidiaDeviceOptions & Pick<NvidiaDeviceFile, "attestationKey" | "chipId" | "firmwareId">,
): Uint8Array {
  const { kind, now, notAfter = NO_END } = device;
  const publicKey = createPublicKey(p384Key(device.attestationKey));
  const serial = firmwareSerial(keyIdentifierOf(publicKey));
  const certificate = {
    serial,
    subject: subjectOf(kind, "FMC LF", serial),
    publicKey,
    notBefore: Math.min(now, notAfter) - DAY,
    notAfter,
    extensions: [
      keyUsage(["digitalSignature"]),
      subjectKeyIdentifier(publicKey),
      authorityKeyIdentifier(issuerKeyIdentifier(boot)),
      deviceName(`SIMULATED NVIDIA:${NVIDIA_PRODUCTS[kind].chip}:${upperHex(bytesOf(device.chipId))}`),
      compositeDeviceId(createPublicKey(boot.privateKey), bytesOf(device.firmwareId)),
    ],
  };
  return issueCertificate(certificate, boot);
}

/** The chip stands first, as verifiers tell families of chips by it. */
function subjectOf(kind: NvidiaKind, part: string, serial: Uint8Array): DistinguishedName {
  const { chip, processor } = NVIDIA_PRODUCTS[kind];
  return {
    serialNumber: upperHex(serial),
    country: "US",
    organization: "SIMULATED NVIDIA Corporation",
    commonName: `${chip} A01 ${processor} ${part} SIMULATED`,
  };
}

/** The key's identifier with its first two bits set to 01, so that it is positive and 20 bytes long. */
function firmwareSerial(keyIdentifier: Uint8Array): Uint8Array {
  const serial = keyIdentifier.slice();
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function upperHex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2).toUpperCase();
}
