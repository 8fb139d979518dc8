/** Changes signed parts byte by byte and length by length, and counts what the verifier says. */
import type { VectorResult } from "../../offchain/verifier/conformance-kinds.ts";
import { isUnsignedChange } from "./forms.ts";
import type { Subject } from "./subjects.ts";

/** How a part was changed at a position. */
export type Kind = "flip" | "cut" | "extend";

/** One changed part. */
export interface Change {
  readonly kind: Kind;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A change that was accepted and should not have been, or refused without a code. */
export interface Finding {
  readonly subject: string;
  readonly role: string;
  readonly kind: Kind;
  readonly at: number;
  readonly why: string;
}

/** What became of all changes of one part. */
export interface PartTally {
  readonly subject: string;
  readonly role: string;
  readonly length: number;
  readonly positions: number;
  readonly refused: number;
  /** Accepted changes of bytes that nobody signs, all with the same claims. */
  readonly unsigned: number;
  /** Error code to how often it was among the reasons of a refusal. */
  readonly codes: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

const ACCEPTED: ReadonlySet<string> = new Set(["affirming", "warning"]);

/** Every `stride`-th position of a part, and all of its first `head` bytes. */
export interface Sampling {
  readonly stride: number;
  readonly head: number;
}

/** The changes of a part: two bits of each byte, the lowest and one that moves; every shorter length; bytes after the end. */
export function* changesOf(original: Uint8Array, { stride, head }: Sampling): Generator<Change> {
  for (let at = 0; at < original.length; at += at < head ? 1 : stride) {
    for (const bit of new Set([1, 1 << (at % 8)])) {
      const bytes = original.slice();
      bytes[at] = (bytes[at] ?? 0) ^ bit;
      yield { kind: "flip", at, bytes };
    }
    yield { kind: "cut", at, bytes: original.slice(0, at) };
  }
  for (const tail of [[0], [0, 0, 0, 0], [1], [0x30], [0x0a, 0x0a, 0x41], [0xff, 0xff]]) {
    yield { kind: "extend", at: original.length, bytes: new Uint8Array([...original, ...tail]) };
  }
}

/** Makes every change of one part and has each judged afresh; throws where the untouched subject is not accepted. */
export async function tryPart(subject: Subject, role: string, sampling: Sampling): Promise<PartTally> {
  const original = subject.parts[role] ?? new Uint8Array();
  const untouched = await untouchedOf(subject);
  if (!ACCEPTED.has(untouched.verdict)) throw new Error(`${subject.name} is not accepted as it stands`);
  const codes: Record<string, number> = {};
  const findings: Finding[] = [];
  const positions = new Set<number>();
  let [refused, unsigned] = [0, 0];
  for (const change of changesOf(original, sampling)) {
    positions.add(change.at);
    const fault = await faultOf({ subject, role, untouched, codes }, change);
    if (fault === "refused") refused += 1;
    else if (fault === "unsigned") unsigned += 1;
    else findings.push({ subject: subject.name, role, kind: change.kind, at: change.at, why: fault });
  }
  const length = original.length;
  return { subject: subject.name, role, length, positions: positions.size, refused, unsigned, codes, findings };
}

/**
 * Judges one part in place of the original: `unsigned` where it is accepted and says the same, `FORGED` with a reason where it is
 * accepted and should not be, otherwise the codes of the refusal.
 */
export async function judge(subject: Subject, role: string, bytes: Uint8Array): Promise<string> {
  const codes: Record<string, number> = {};
  const untouched = await untouchedOf(subject);
  const fault = await faultOf({ subject, role, untouched, codes }, { bytes });
  if (fault === "unsigned") return "unsigned";
  return fault === "refused" ? (Object.keys(codes)[0] ?? "NOT_CHECKED") : `FORGED ${fault}`;
}

const known = new WeakMap<Subject, Promise<VectorResult>>();

function untouchedOf(subject: Subject): Promise<VectorResult> {
  const result = known.get(subject) ?? subject.verify(subject.parts);
  known.set(subject, result);
  return result;
}

interface Trial {
  readonly subject: Subject;
  readonly role: string;
  readonly untouched: VectorResult;
  readonly codes: Record<string, number>;
}

/** `refused` and `unsigned` are as it should be; any other text is what is wrong. */
async function faultOf({ subject, role, untouched, codes }: Trial, { bytes }: Pick<Change, "bytes">): Promise<string> {
  const result = await subject.verify({ ...subject.parts, [role]: bytes });
  if (!ACCEPTED.has(result.verdict)) {
    const coded = new Set(result.failures.map(({ code }) => code).filter((code) => code !== "NOT_CHECKED"));
    for (const code of coded) codes[code] = (codes[code] ?? 0) + 1;
    return coded.size > 0 || subject.forms[role]?.notChecked !== undefined ? "refused" : "refused without a code";
  }
  const original = subject.parts[role] ?? new Uint8Array();
  const form = subject.forms[role];
  if (form !== undefined && isUnsignedChange(form, original, bytes)) {
    return sameFacts(untouched, result) ? "unsigned" : "accepted with other claims";
  }
  return "accepted";
}

/** The hash of evidence is of its bytes as they came, and bytes after a TDX quote are counted. */
function sameFacts(untouched: VectorResult, result: VectorResult): boolean {
  const facts = ({ claims }: VectorResult): string =>
    JSON.stringify({ ...claims, evidenceHash: "", details: { ...claims?.details, trailingBytes: 0, trailingZero: 0 } });
  return facts(untouched) === facts(result);
}
