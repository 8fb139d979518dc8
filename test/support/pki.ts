/** Makes certificates and revocation lists octet by octet, so that a test can put any defect into one. */
import { constants, createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type Bytes = Uint8Array;

export function der(tag: number, ...parts: readonly Bytes[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | octets.length), octets, content]);
}

export const seq = (...parts: readonly Bytes[]): Buffer => der(0x30, ...parts);
export const bool = (value: boolean): Buffer => der(0x01, Buffer.of(value ? 0xff : 0));
export const octets = (bytes: Bytes): Buffer => der(0x04, bytes);
export const bits = (...content: readonly number[]): Buffer => der(0x03, Buffer.from(content));

export function int(value: number | Bytes): Buffer {
  const bytes =
    typeof value === "number" ? Buffer.from(value.toString(16).padStart(value > 0xff ? 4 : 2, "0"), "hex") : value;
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].flatMap((arc) => {
    const out = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) out.unshift((left % 128) | 0x80);
    return out;
  });
  return der(0x06, Buffer.from(arcs));
}

export const name = (commonName: string): Buffer =>
  seq(der(0x31, seq(oid("2.5.4.3"), der(0x0c, Buffer.from(commonName)))));

export function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(0x18, Buffer.from(digits));
}

export function extension(id: string, critical: boolean, value: Bytes): Buffer {
  return seq(oid(id), ...(critical ? [bool(true)] : []), octets(value));
}

export interface Keys {
  readonly privateKey: KeyObject;
  readonly spki: Buffer;
  readonly keyId: Buffer;
}

export function createKeys(namedCurve: "P-256" | "P-384" = "P-256"): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  const spki = publicKey.export({ format: "der", type: "spki" });
  return { privateKey, spki, keyId: createHash("sha1").update(spki).digest() };
}

/** RSA of 4096 bits, as AMD's authorities have. */
export function createRsaKeys(modulusLength = 4096): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  const spki = publicKey.export({ format: "der", type: "spki" });
  return { privateKey, spki, keyId: createHash("sha1").update(spki).digest() };
}

/** RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of that length, unless said otherwise. */
export function rsaPss({ hash = "2.16.840.1.101.3.4.2.2", salt = 48, trailer = 1 } = {}): Buffer {
  const hashAlgorithm = seq(oid(hash), der(0x05));
  return seq(
    oid("1.2.840.113549.1.1.10"),
    seq(
      der(0xa0, hashAlgorithm),
      der(0xa1, seq(oid("1.2.840.113549.1.1.8"), hashAlgorithm)),
      der(0xa2, int(salt)),
      der(0xa3, int(trailer)),
    ),
  );
}

export const ECDSA_SHA256 = seq(oid("1.2.840.10045.4.3.2"));
export const ECDSA_SHA384 = seq(oid("1.2.840.10045.4.3.3"));
const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 15);

/** Everything that a certificate says; each part can be replaced. */
export interface CertificateParts {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: Keys;
  readonly issuerKeys: Keys;
  readonly isCa?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: readonly number[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly authorityKeyId?: Bytes;
  readonly serial?: Bytes;
  /** Further extensions, or replaced standard ones by an empty list of those. */
  readonly extensions?: readonly Bytes[];
  readonly standardExtensions?: readonly Bytes[];
  readonly algorithm?: Bytes;
  readonly outerAlgorithm?: Bytes;
  readonly version?: Bytes;
}

export const CA_USAGE = [1, 0b0000_0110];
export const LEAF_USAGE = [6, 0b1100_0000];

export function standardExtensions(parts: CertificateParts): readonly Buffer[] {
  const { isCa = false, pathLength, keys, issuerKeys } = parts;
  const constraints = [...(isCa ? [bool(true)] : []), ...(pathLength === undefined ? [] : [int(pathLength)])];
  return [
    extension("2.5.29.19", true, seq(...constraints)),
    extension("2.5.29.15", true, bits(...(parts.keyUsage ?? (isCa ? CA_USAGE : LEAF_USAGE)))),
    extension("2.5.29.14", false, octets(keys.keyId)),
    extension("2.5.29.35", false, seq(der(0x80, parts.authorityKeyId ?? issuerKeys.keyId))),
  ];
}

export function certificate(parts: CertificateParts): Buffer {
  const { notBefore = NOW - 30 * DAY, notAfter = NOW + 30 * DAY, algorithm = ECDSA_SHA256 } = parts;
  const extensions = [...(parts.standardExtensions ?? standardExtensions(parts)), ...(parts.extensions ?? [])];
  const tbs = seq(
    parts.version ?? der(0xa0, int(2)),
    int(parts.serial ?? Buffer.of(0x7b)),
    algorithm,
    name(parts.issuer),
    seq(time(notBefore), time(notAfter)),
    name(parts.subject),
    parts.keys.spki,
    der(0xa3, seq(...extensions)),
  );
  return signed(tbs, parts.outerAlgorithm ?? algorithm, parts.issuerKeys);
}

export interface ListParts {
  readonly issuer: string;
  readonly issuerKeys: Keys;
  readonly signer?: Keys;
  readonly revoked?: readonly Bytes[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  readonly extensions?: readonly Bytes[];
  readonly authorityKeyId?: Bytes;
  readonly algorithm?: Bytes;
}

export function revocationList(parts: ListParts): Buffer {
  const { thisUpdate = NOW - DAY, nextUpdate = NOW + DAY, revoked = [], issuerKeys, algorithm = ECDSA_SHA256 } = parts;
  const entries = revoked.map((serial) => seq(int(serial), time(thisUpdate)));
  const tbs = seq(
    int(1),
    algorithm,
    name(parts.issuer),
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length > 0 ? [seq(...entries)] : []),
    der(
      0xa0,
      seq(
        extension("2.5.29.35", false, seq(der(0x80, parts.authorityKeyId ?? issuerKeys.keyId))),
        ...(parts.extensions ?? []),
      ),
    ),
  );
  return signed(tbs, algorithm, parts.signer ?? issuerKeys);
}

export function signed(tbs: Bytes, algorithm: Bytes, keys: Keys): Buffer {
  if (keys.privateKey.asymmetricKeyType === "rsa") {
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
    return seq(tbs, algorithm, der(0x03, Buffer.of(0), sign("sha384", tbs, { key: keys.privateKey, ...padding })));
  }
  const hash = ECDSA_SHA384.equals(algorithm) ? "sha384" : "sha256";
  const signature = sign(hash, tbs, { key: keys.privateKey, dsaEncoding: "der" });
  return seq(tbs, algorithm, der(0x03, Buffer.of(0), signature));
}

export function pem(label: string, ...blocks: readonly Bytes[]): Buffer {
  const text = blocks.map((block) => {
    const lines = Buffer.from(block)
      .toString("base64")
      .replaceAll(/.{64}(?=.)/g, "$&\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  });
  return Buffer.from(text.join(""));
}
