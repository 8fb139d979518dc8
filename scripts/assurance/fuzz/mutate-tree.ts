/** Changes to nested elements, whose containers then fit again: DER and CBOR. */
import { concat } from "../../../offchain/encoding/bytes.ts";
import { mutateBytes, type Mutator } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

/** An element: what stands before its length, and what is in it. */
export interface Element {
  head: number;
  children: Element[] | undefined;
  content: Uint8Array;
  /** Octets before the children, such as the count of unused bits. */
  lead: Uint8Array;
  /** Replaces the length that the content has. */
  lie?: "longer" | "shorter" | "wide" | "indefinite";
}

/** Reads and writes the elements of one encoding; `read` gives undefined where bytes are not of it. */
export interface Encoding {
  readonly read: (bytes: Uint8Array) => Element[] | undefined;
  readonly write: (element: Element) => Uint8Array;
}

type Edit = (list: Element[], at: number, random: Random, all: readonly Element[]) => void;

const EDITS: readonly Edit[] = [
  (list, at) => void list.splice(at, 1),
  (list, at) => void list.splice(at, 0, structuredClone(list[at] as Element)),
  (list, at, random, all) => void list.splice(at, 1, structuredClone(random.pick(all))),
  (list, at, random, all) => void list.splice(at, 0, structuredClone(random.pick(all))),
  (list, at, random) => void list.splice(random.below(list.length), 0, ...list.splice(at, 1)),
  (list, at, random) => void ((list[at] as Element).head = random.below(256)),
  (list, at, random) => void ((list[at] as Element).head ^= 1 << random.below(8)),
  (list, at, random) => void ((list[at] as Element).lie = random.pick(["longer", "shorter", "wide", "indefinite"])),
  (list, at, random) => {
    const element = list[at] as Element;
    element.children = undefined;
    element.content = mutateBytes(element.content, random, element.content);
  },
  (list, at, random) => {
    const element = list[at] as Element;
    element.children = undefined;
    element.content = random.pick([new Uint8Array(), random.bytes(random.below(40)), new Uint8Array(300)]);
  },
  (list, at, random) => {
    for (let depth = random.below(24); depth > 0; depth -= 1) {
      const inner = list[at] as Element;
      list[at] = { head: inner.head, children: [inner], content: new Uint8Array(), lead: new Uint8Array() };
    }
  },
];

/** One to three edits of elements; bytes that are not of the encoding are changed as bytes. */
export function treeMutator({ read, write }: Encoding): Mutator {
  return (bytes, random, other) => {
    const roots = read(bytes);
    if (roots === undefined) return mutateBytes(bytes, random, other);
    for (let edits = 1 + random.below(3); edits > 0; edits -= 1) {
      const lists = listsOf(roots).filter((list) => list.length > 0);
      if (lists.length === 0) break;
      const list = random.pick(lists);
      random.pick(EDITS)(list, random.below(list.length), random, lists.flat());
    }
    return concat(...roots.map(write));
  };
}

function listsOf(list: Element[]): Element[][] {
  return [list, ...list.flatMap(({ children }) => (children === undefined ? [] : listsOf(children)))];
}
