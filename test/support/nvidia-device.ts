/** A device of NVIDIA's kind under a test PKI: certificates octet by octet and signed measurements. */
import { createHash, sign } from "node:crypto";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import {
  certificate,
  createKeys,
  der,
  ECDSA_SHA384,
  extension,
  int,
  octets,
  oid,
  pem,
  seq,
  type Bytes,
  type CertificateParts,
  type Keys,
} from "./pki.ts";

const NAMES = ["GH100 A01 GSP FMC LF", "GH100 A01 GSP BROM", "GH100 Provisioner", "GH100 Identity", "Test Identity CA"];

/** The firmware of every test device, SHA-384. */
export const TEST_FWID = Buffer.alloc(48, 0xf1);

export const fwid = (digest: Bytes, algorithm = "2.16.840.1.101.3.4.2.2"): Buffer =>
  seq(oid(algorithm), octets(digest));

/** The older form, as Hopper devices carry it. */
export const compositeDeviceId = (digest: Bytes = TEST_FWID, version = 1): Buffer =>
  extension("2.23.133.5.4.1", false, seq(int(version), seq(oid("1.3.132.0.34")), fwid(digest)));

/** The newer form, as Blackwell devices carry it: vendor, FWIDs, flags. */
export const tcbInfo = (digests: readonly Bytes[], flags: Bytes = Buffer.of(0, 0x80, 0, 0, 1)): Buffer =>
  extension(
    "2.23.133.5.4.1.1",
    false,
    seq(der(0x80, Buffer.from("NVIDIA")), der(0xa6, ...digests.map((digest) => fwid(digest))), der(0x87, flags)),
  );

export interface DeviceOptions {
  readonly leafName?: string;
  readonly leafExtensions?: readonly Bytes[];
  /** Replaces parts of the certificate at a place of the chain, 0 the leaf. */
  readonly change?: (place: number) => Partial<CertificateParts>;
}

export interface TestDevice {
  readonly leafKeys: Keys;
  /** Of every certificate, leaf first. */
  readonly keys: readonly Keys[];
  /** DER, leaf first. */
  readonly certificates: readonly Buffer[];
  readonly certChain: Buffer;
  readonly root: TrustRoot;
}

/** Makes a device with a chain of five. */
export function createDevice(options: DeviceOptions = {}): TestDevice {
  const names = [options.leafName ?? "GH100 A01 GSP FMC LF", ...NAMES.slice(1)];
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
      ...(place === 0 ? { extensions: options.leafExtensions ?? [compositeDeviceId()] } : {}),
      ...options.change?.(place),
    }),
  );
  const spkiSha256 = createHash("sha256").update(at(keys, 4).spki).digest("hex");
  const root = {
    name: "Test Identity CA",
    spkiSha256,
    simulated: true,
    family: "nvidia",
    purpose: "evidence",
  } as const;
  return { leafKeys: at(keys, 0), keys, certificates, certChain: pem("CERTIFICATE", ...certificates), root };
}

/** Everything that a report says before its signature; each part can be replaced. */
export interface ReportParts {
  readonly request?: Bytes;
  readonly responseHeader?: Bytes;
  readonly blocks?: readonly Bytes[];
  readonly blockCount?: number;
  readonly records?: readonly Bytes[];
  readonly opaqueLength?: number;
}

export const TEST_NONCE = Buffer.alloc(32, 0xa5);

export const request = (nonce: Bytes = TEST_NONCE, header: Bytes = Buffer.of(0x11, 0xe0, 1, 0xff), slot = 0): Buffer =>
  Buffer.concat([header, nonce, Buffer.of(slot)]);

export function block(index: number, value: Bytes = Buffer.alloc(48, index)): Buffer {
  const head = Buffer.of(index, 1, value.length + 3, 0, 1, value.length, 0);
  return Buffer.concat([head, value]);
}

export function record(type: number, value: Bytes): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(type, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

export const GPU_RECORDS = [
  record(3, Buffer.from("590.12\0")),
  record(6, Buffer.from("00a5009601000000", "hex")),
  record(20, TEST_FWID),
];
export const SWITCH_RECORDS = [record(6, Buffer.from("96.10.55.00.01")), record(22, Buffer.alloc(8, 7))];

/** What a device signs: request and response without the signature. */
export function unsignedReport(parts: ReportParts = {}): Buffer {
  const blocks = parts.blocks ?? [block(1, Buffer.alloc(48)), block(2), block(3)];
  const recordBytes = Buffer.concat(blocks);
  const opaque = Buffer.concat(parts.records ?? GPU_RECORDS);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(recordBytes.length);
  const opaqueLength = Buffer.alloc(2);
  opaqueLength.writeUInt16LE(parts.opaqueLength ?? opaque.length);
  return Buffer.concat([
    parts.request ?? request(),
    parts.responseHeader ?? Buffer.of(0x11, 0x60, 0, 0),
    Buffer.of(parts.blockCount ?? blocks.length),
    length.subarray(0, 3),
    recordBytes,
    Buffer.alloc(32, 0x5a),
    opaqueLength,
    opaque,
  ]);
}

/** Signs a report with a device's leaf key. */
export function deviceReport(device: TestDevice, parts: ReportParts = {}): Buffer {
  const unsigned = unsignedReport(parts);
  const key = { key: device.leafKeys.privateKey, dsaEncoding: "ieee-p1363" as const };
  return Buffer.concat([unsigned, sign("sha384", unsigned, key)]);
}
