import { Encoder } from "cbor-x";
import { sign } from "node:crypto";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { trustRootOf } from "../../offchain/verifier/trust-roots.ts";
import { certificate, createKeys, ECDSA_SHA384, NOW, type CertificateParts, type Keys } from "./pki.ts";

const MINUTE = 60_000;
const encoder = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });

/** CBOR of a value; integers above 32 bits must be given as bigint. */
export const encodeCbor = (value: unknown): Buffer => encoder.encode(value);

/** What may be replaced in each certificate of a chain. */
export type ChainParts = Partial<Record<"root" | "region" | "instance" | "enclave", Partial<CertificateParts>>>;

/** A chain shaped as AWS issues it: root, region, instance, enclave. */
export interface NitroChain {
  readonly cabundle: readonly Buffer[];
  readonly certificate: Buffer;
  /** The key that signs documents. */
  readonly signer: Keys;
  readonly trustRoot: TrustRoot;
}

const KEYS = {
  root: createKeys("P-384"),
  region: createKeys("P-384"),
  instance: createKeys("P-384"),
  enclave: createKeys("P-384"),
} as const;

/** Issues a chain, the same keys each time. */
export function nitroChain(parts: ChainParts = {}): NitroChain {
  const authority = { isCa: true, algorithm: ECDSA_SHA384 };
  const root = { subject: "aws.nitro-enclaves", issuer: "aws.nitro-enclaves", keys: KEYS.root, issuerKeys: KEYS.root };
  const region = { subject: "region", issuer: root.subject, keys: KEYS.region, issuerKeys: KEYS.root };
  const instance = { subject: "instance", issuer: "region", keys: KEYS.instance, issuerKeys: KEYS.region };
  const enclave = { subject: "enclave", issuer: "instance", keys: KEYS.enclave, issuerKeys: KEYS.instance };
  const rootCertificate = certificate({ ...authority, ...root, ...parts.root });
  const leaf: CertificateParts = {
    ...enclave,
    algorithm: ECDSA_SHA384,
    notBefore: NOW - 2 * MINUTE,
    notAfter: NOW + 178 * MINUTE,
    ...parts.enclave,
  };
  return {
    cabundle: [
      rootCertificate,
      certificate({ ...authority, ...region, pathLength: 1, ...parts.region }),
      certificate({ ...authority, ...instance, pathLength: 0, ...parts.instance }),
    ],
    certificate: certificate(leaf),
    signer: leaf.keys,
    trustRoot: trustRootOf(rootCertificate, "test root", true),
  };
}

export const MODULE_ID = "i-0123456789abcdef0-enc0123456789abcdef";
export const USER_DATA = new Uint8Array(64).fill(9);

/** What may be replaced in a message. */
export interface MessageParts {
  /** Fields of the document to replace; undefined leaves one out. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly payload?: Uint8Array;
  readonly protectedBytes?: Uint8Array;
  readonly unprotected?: ReadonlyMap<unknown, unknown>;
  readonly signer?: Keys;
}

/** The registers of an enclave: 16 of 48 bytes, the unused ones zero. */
export function testPcrs(): Map<number, Uint8Array> {
  const indices = Array.from({ length: 16 }, (_, index) => index);
  return new Map(indices.map((index) => [index, new Uint8Array(48).fill(index < 5 ? index + 1 : 0)]));
}

/** A signed document, untagged, made a minute before `NOW`. */
export function nitroDocument(chain: NitroChain, parts: MessageParts = {}): Uint8Array {
  const fields = Object.entries({
    module_id: MODULE_ID,
    digest: "SHA384",
    timestamp: BigInt(NOW - MINUTE),
    pcrs: testPcrs(),
    certificate: chain.certificate,
    cabundle: chain.cabundle,
    public_key: null,
    user_data: USER_DATA,
    nonce: Buffer.from("nonce"),
    ...parts.fields,
  }).filter(([, value]) => value !== undefined);
  const protectedBytes = parts.protectedBytes ?? Buffer.from("a1013822", "hex");
  const payload = parts.payload ?? encodeCbor(new Map(fields));
  const signed = encodeCbor(["Signature1", protectedBytes, Buffer.of(), payload]);
  const { privateKey } = parts.signer ?? chain.signer;
  const signature = sign("sha384", signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return new Uint8Array(encodeCbor([protectedBytes, parts.unprotected ?? new Map(), payload, signature]));
}
