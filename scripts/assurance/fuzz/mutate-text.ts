/** Changes to text formats that keep them readable: PEM, JSON, tokens, and PEM inside a quote. */
import { concat } from "../../../offchain/encoding/bytes.ts";
import { DER_ENCODING } from "./der.ts";
import { mutateBytes, type Mutator } from "./mutate-bytes.ts";
import { treeMutator } from "./mutate-tree.ts";
import type { Random } from "./random.ts";

export const mutateDer = treeMutator(DER_ENCODING);

/** Changes one block's DER, or the order and number of blocks. */
export const mutatePem: Mutator = (bytes, random, other) => {
  const text = Buffer.from(bytes).toString("latin1");
  const blocks = [...text.matchAll(/-----BEGIN ([^-]+)-----([^-]*)-----END [^-]+-----/g)];
  if (blocks.length === 0 || random.once(6)) return mutateBytes(bytes, random, other);
  const parts = blocks.map(([, label = "", body = ""]) => ({
    label,
    der: new Uint8Array(Buffer.from(body, "base64")) as Uint8Array,
  }));
  const at = random.below(parts.length);
  const part = parts[at] ?? { label: "", der: new Uint8Array() };
  const edits: readonly (() => unknown)[] = [
    () => (part.der = mutateDer(part.der, random, part.der)),
    () => (part.der = mutateDer(part.der, random, part.der)),
    () => parts.splice(at, 1),
    () => parts.splice(random.below(parts.length + 1), 0, part),
    () => parts.push(...parts.splice(at, 1)),
    () => (part.label = random.pick(["X509 CRL", "TRUSTED CERTIFICATE", "", "certificate"])),
  ];
  random.pick(edits)();
  return new Uint8Array(Buffer.from(parts.map(({ label, der }) => pemOf(label, der)).join("\n")));
};

function pemOf(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----`;
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  256,
  65_536,
  "",
  "0".repeat(200),
  "zz",
  "2026-13-45T99:99:99Z",
  [],
  {},
  [[[[]]]],
  { __proto__: 1 },
  "\u0000",
  "é",
  "2025-01-01T00:00:00Z",
];

/** Replaces, removes, renames or repeats one member anywhere in a JSON text. */
export const mutateJson: Mutator = (bytes, random, other) => {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return mutateBytes(bytes, random, other);
  }
  if (random.once(5)) return mutateBytes(bytes, random, other);
  if (!isHolder(json)) return mutateBytes(bytes, random, other);
  editHolder(descend(json, random), random);
  return new Uint8Array(Buffer.from(JSON.stringify(json)));
};

type Holder = Record<string, unknown>;

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null;
}

/** An object or list somewhere inside, reached by one random step after another. */
function descend(holder: Holder, random: Random): Holder {
  const inner = Object.values(holder).filter(isHolder);
  return inner.length === 0 || random.once(4) ? holder : descend(random.pick(inner), random);
}

function editHolder(holder: Holder, random: Random): void {
  const names = Object.keys(holder);
  const name = random.pick(names.length === 0 ? ["x"] : names);
  const edits: readonly (() => unknown)[] = [
    () => Reflect.deleteProperty(holder, name),
    () => (holder[name] = random.pick(VALUES)),
    () => (holder[`${name}x`] = holder[name]),
    () => (holder[name] = holder[random.pick(names.length === 0 ? ["x"] : names)]),
    () => (holder[name] = JSON.parse("[".repeat(400) + "]".repeat(400))),
    () => (holder[name] = Array.from({ length: 40 }, () => holder[name])),
  ];
  random.pick(edits)();
}

/** Changes the JSON of header or payload, or the parts themselves. */
export const mutateToken: Mutator = (bytes, random, other) => {
  const parts = Buffer.from(bytes).toString("latin1").split(".");
  const at = random.below(3);
  const part = new Uint8Array(Buffer.from(parts[at] ?? "", "base64url"));
  const edits: readonly (() => unknown)[] = [
    () => (parts[at] = Buffer.from((at < 2 ? mutateJson : mutateBytes)(part, random, part)).toString("base64url")),
    () => parts.splice(at, 1),
    () => parts.splice(at, 0, parts[at] ?? ""),
    () => (parts[at] = `${parts[at] ?? ""}=`),
    () => (parts[at] = ""),
  ];
  if (random.once(3)) return mutateBytes(bytes, random, other);
  random.pick([...edits, edits[0] as () => unknown, edits[0] as () => unknown])();
  return new Uint8Array(Buffer.from(parts.join("."), "latin1"));
};

const PEM_START = "-----BEGIN CERTIFICATE-----";

/** Changes the PCK chain inside a quote, with the lengths around it made to fit again or not. */
export const mutateQuote: Mutator = (bytes, random, other) => {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(PEM_START);
  if (start < 8 || random.once(2)) return mutateBytes(bytes, random, other);
  const chain = mutatePem(bytes.slice(start), random, bytes);
  const changed = concat(bytes.subarray(0, start), chain);
  if (random.once(4)) return changed;
  const growth = chain.length - (bytes.length - start);
  const view = new DataView(changed.buffer);
  for (const at of lengthsBefore(bytes, start)) view.setUint32(at, view.getUint32(at, true) + growth, true);
  return changed;
};

/** Offsets before `start` of 32-bit lengths that reach exactly to the end. */
function lengthsBefore(bytes: Uint8Array, start: number): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets = Array.from({ length: start - 4 }, (_, at) => at);
  return [...offsets, start - 4].filter((at) => view.getUint32(at, true) === bytes.length - at - 4);
}
