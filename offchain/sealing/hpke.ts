import { agreeX25519, hmacSha256 } from "#crypto";
import type { AgreementKey } from "#crypto";
import { concat, uintBytes, utf8 } from "../encoding/bytes.ts";

/** A key pair that requests are sealed to; the private half is opaque. */
export interface SealingKey {
  /** 32 raw bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: AgreementKey;
}

/** What a recipient's context is made of. @see RFC 9180 section 5.1 */
export interface RecipientSecrets {
  /** 32 bytes, for AES-256-GCM. */
  readonly key: Uint8Array;
  /** 12 bytes; XOR with the sequence number gives each nonce. */
  readonly baseNonce: Uint8Array;
  /** 32 bytes. */
  readonly exporterSecret: Uint8Array;
}

/** Bytes of an encapsulated key. */
export const ENC_LENGTH = 32;

const KEM_ID = uintBytes(0x0020, 2);
const KEM_SUITE = concat(utf8("KEM"), KEM_ID);
/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const HPKE_SUITE = concat(utf8("HPKE"), KEM_ID, uintBytes(0x0001, 2), uintBytes(0x0002, 2));
const VERSION = utf8("HPKE-v1");
const EMPTY = new Uint8Array(0);
const MODE_BASE = Uint8Array.of(0);
const PSK_ID_HASH = labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", EMPTY);

/**
 * The shared secret of DHKEM(X25519, HKDF-SHA256), 32 bytes; undefined where `enc` is no key or one of low order.
 * @see RFC 9180 section 4.1, Decap
 */
export async function decapsulate(enc: Uint8Array, recipient: SealingKey): Promise<Uint8Array | undefined> {
  const dh = await agreeX25519(recipient.privateKey, enc);
  if (dh === undefined) return undefined;
  const prk = labeledExtract(KEM_SUITE, EMPTY, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, prk, "shared_secret", { info: concat(enc, recipient.publicKey), length: 32 });
}

/** The key schedule of base mode for AES-256-GCM. @see RFC 9180 section 5.1, KeySchedule */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): RecipientSecrets {
  const infoHash = labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info);
  const context = concat(MODE_BASE, PSK_ID_HASH, infoHash);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, "secret", EMPTY);
  return {
    key: labeledExpand(HPKE_SUITE, secret, "key", { info: context, length: 32 }),
    baseNonce: labeledExpand(HPKE_SUITE, secret, "base_nonce", { info: context, length: 12 }),
    exporterSecret: labeledExpand(HPKE_SUITE, secret, "exp", { info: context, length: 32 }),
  };
}

/** A 32-byte secret that both ends of a context can export. @see RFC 9180 section 5.3 */
export function exportSecret({ exporterSecret }: RecipientSecrets, context: Uint8Array): Uint8Array {
  return labeledExpand(HPKE_SUITE, exporterSecret, "sec", { info: context, length: 32 });
}

/** The nonce of message `index`. @see RFC 9180 section 5.2, ComputeNonce */
export function nonceAt(baseNonce: Uint8Array, index: number): Uint8Array {
  const counter = uintBytes(index, baseNonce.length);
  return baseNonce.map((byte, at) => byte ^ (counter[at] ?? 0));
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hmacSha256(salt, VERSION, suite, utf8(label), ikm);
}

/** HKDF-Expand of at most 32 bytes, which is one block: no output of this suite is longer. */
function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  { info, length }: { info: Uint8Array; length: number },
): Uint8Array {
  const block = hmacSha256(prk, uintBytes(length, 2), VERSION, suite, utf8(label), info, Uint8Array.of(1));
  return block.subarray(0, length);
}
