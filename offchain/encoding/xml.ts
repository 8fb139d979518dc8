/** A strict reader for the part of XML that signed data use: elements, attributes, namespaces and text. */

/** A name with its namespace. */
interface ExpandedName {
  /** As it is written, with its prefix. */
  readonly qualified: string;
  readonly local: string;
  /** Empty: none. */
  readonly namespace: string;
}

/** An attribute that declares no namespace. */
export interface XmlAttribute extends ExpandedName {
  readonly value: string;
}

/** Namespaces by prefix; the default one under the empty prefix. */
export type XmlScope = ReadonlyMap<string, string>;

export interface XmlElement extends ExpandedName {
  /** Every namespace that can be used in the element, whether declared on it or further out. */
  readonly scope: XmlScope;
  /** In the order of the document. */
  readonly attributes: readonly XmlAttribute[];
  /** Elements and texts in the order of the document. */
  readonly children: readonly (XmlElement | string)[];
}

const MAX_LENGTH = 1 << 20;
const MAX_DEPTH = 16;
const MAX_ELEMENTS = 4096;
const MAX_ATTRIBUTES = 256;

const XMLNS = "xmlns";
const SPACE = "[ \\t\\n]";
const NAME = "[A-Za-z_][A-Za-z0-9_.-]*";
const QUALIFIED = `${NAME}(?::${NAME})?`;
const DECLARATION = new RegExp(
  `^<\\?xml${SPACE}+version=(?:"1\\.0"|'1\\.0')(?:${SPACE}+encoding=(?:"UTF-8"|'UTF-8'))?(?:${SPACE}+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?${SPACE}*\\?>`,
  "i",
);
const START = new RegExp(`<(${QUALIFIED})`, "y");
const ATTRIBUTE = new RegExp(`${SPACE}+(${QUALIFIED})${SPACE}*=${SPACE}*(?:"([^<"]*)"|'([^<']*)')`, "y");
const START_END = new RegExp(`${SPACE}*(/?)>`, "y");
const END = new RegExp(`</(${QUALIFIED})${SPACE}*>`, "y");
const TEXT = /[^<]+/y;
const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
/** What is no character of XML 1.0, lone surrogates aside: a UTF-8 decoder lets none through. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

interface Attribute {
  readonly qualified: string;
  readonly value: string;
}

/**
 * Parses an XML document and gives its one outermost element. It may begin with an XML declaration in UTF-8; document type
 * declarations, and with them every entity but the five, processing instructions, comments, CDATA sections, attributes in the
 * namespace of `xml:` and names beyond ASCII are refused, as is what is too large or too deep. Throws the error of `fail`.
 * @see XML 1.0; Namespaces in XML 1.0
 */
export function parseXml(bytes: Uint8Array, fail: (message: string) => Error): XmlElement {
  if (bytes.length > MAX_LENGTH) throw fail(`${bytes.length} bytes are too many`);
  return new Reader(decode(bytes, fail), fail).document();
}

/** The text of an element that holds nothing else; undefined where it holds elements. */
export function textOfElement({ children }: XmlElement): string | undefined {
  return children.every((child) => typeof child === "string") ? children.join("") : undefined;
}

/** The elements inside an element; undefined where text that is not white space stands between them. */
export function elementsOf({ children }: XmlElement): readonly XmlElement[] | undefined {
  const isLoose = children.some((child) => typeof child === "string" && /[^ \t\n\r]/.test(child));
  return isLoose ? undefined : children.filter((child) => typeof child !== "string");
}

/** The value of an attribute; without a namespace unless one is given. */
export function attributeOf({ attributes }: XmlElement, local: string, namespace = ""): string | undefined {
  return attributes.find((attribute) => attribute.local === local && attribute.namespace === namespace)?.value;
}

function decode(bytes: Uint8Array, fail: (message: string) => Error): string {
  try {
    // Line ends become line feeds before anything is read: XML 1.0 section 2.11.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll(/\r\n?/g, "\n");
  } catch {
    throw fail("not UTF-8");
  }
}

class Reader {
  readonly #text: string;
  readonly #fail: (message: string) => Error;
  #offset = 0;
  #elements = 0;

  constructor(text: string, fail: (message: string) => Error) {
    this.#text = text;
    this.#fail = (message) => fail(`${message} at character ${this.#offset}`);
  }

  document(): XmlElement {
    if (FORBIDDEN.test(this.#text)) throw this.#fail("a character that XML does not allow");
    this.#offset = DECLARATION.exec(this.#text)?.[0].length ?? 0;
    this.#skipSpace();
    const root = this.#element(new Map([["", ""]]), 1);
    this.#skipSpace();
    if (this.#offset < this.#text.length) throw this.#fail("something after the document");
    return root;
  }

  #element(outer: XmlScope, depth: number): XmlElement {
    this.#elements += 1;
    if (depth > MAX_DEPTH || this.#elements > MAX_ELEMENTS) throw this.#fail("too deep, or too many elements");
    const qualified = this.#match(START)?.[1];
    if (qualified === undefined) throw this.#fail("no element");
    const given = this.#attributes();
    const scope = this.#scopeOf(given, outer);
    const name = this.#expand(qualified, scope, "element");
    const attributes = this.#expandAll(given, scope);
    const isEmpty = this.#match(START_END)?.[1];
    if (isEmpty === undefined) throw this.#fail(`the tag of ${qualified} does not end`);
    const children = isEmpty === "/" ? [] : this.#children(qualified, scope, depth);
    return { ...name, scope, attributes, children };
  }

  #children(qualified: string, scope: XmlScope, depth: number): readonly (XmlElement | string)[] {
    const children: (XmlElement | string)[] = [];
    for (;;) {
      const text = this.#match(TEXT)?.[0];
      if (text !== undefined) {
        if (text.includes("]]>")) throw this.#fail("]]> in a text");
        children.push(this.#resolve(text));
      }
      const end = this.#match(END)?.[1];
      if (end === qualified) return children;
      if (end !== undefined) throw this.#fail(`${end} ends ${qualified}`);
      children.push(this.#element(scope, depth + 1));
    }
  }

  #attributes(): readonly Attribute[] {
    const attributes: Attribute[] = [];
    for (let found = this.#match(ATTRIBUTE); found !== undefined; found = this.#match(ATTRIBUTE)) {
      const [, qualified = "", double, single = ""] = found;
      // White space as it stands becomes spaces, character references to it stay: XML 1.0 section 3.3.3.
      attributes.push({ qualified, value: this.#resolve((double ?? single).replaceAll(/[\t\n]/g, " ")) });
      if (attributes.length > MAX_ATTRIBUTES) throw this.#fail("too many attributes");
    }
    if (new Set(attributes.map((one) => one.qualified)).size < attributes.length)
      throw this.#fail("an attribute twice");
    return attributes;
  }

  #scopeOf(attributes: readonly Attribute[], outer: XmlScope): XmlScope {
    const declared = attributes.flatMap(({ qualified, value }): (readonly [string, string])[] => {
      if (qualified === XMLNS) return [["", value]];
      return qualified.startsWith(`${XMLNS}:`) ? [[qualified.slice(XMLNS.length + 1), value]] : [];
    });
    const isReserved = ([prefix, uri]: readonly [string, string]): boolean =>
      /^xml/i.test(prefix) || /^http:\/\/www\.w3\.org\/(?:XML\/1998\/namespace|2000\/xmlns\/)$/.test(uri);
    if (declared.some((one) => isReserved(one) || (one[0] !== "" && one[1] === ""))) {
      throw this.#fail("a namespace that cannot be declared");
    }
    return declared.length === 0 ? outer : new Map([...outer, ...declared]);
  }

  #expandAll(given: readonly Attribute[], scope: XmlScope): readonly XmlAttribute[] {
    const attributes = given
      .filter(({ qualified }) => qualified !== XMLNS && !qualified.startsWith(`${XMLNS}:`))
      .map(({ qualified, value }) => Object.assign({ value }, this.#expand(qualified, scope, "attribute")));
    const names = new Set(attributes.map(({ local, namespace }) => `${local} ${namespace}`));
    if (names.size < attributes.length) throw this.#fail("an attribute twice under two prefixes");
    return attributes;
  }

  /** The default namespace is for elements alone. */
  #expand(qualified: string, scope: XmlScope, kind: "element" | "attribute"): ExpandedName {
    const [prefix = "", local] = qualified.split(":");
    if (local === undefined) {
      return { qualified, local: prefix, namespace: kind === "element" ? (scope.get("") ?? "") : "" };
    }
    const namespace = scope.get(prefix);
    if (namespace === undefined) throw this.#fail(`the prefix of ${qualified} is not declared`);
    return { qualified, local, namespace };
  }

  /** Replaces references by what they stand for. */
  #resolve(text: string): string {
    if (!text.includes("&")) return text;
    const resolved = text.replaceAll(REFERENCE, (_whole, entity?: string, decimal?: string, digits?: string) => {
      if (entity !== undefined) return ENTITIES[entity] ?? "";
      return this.#character(decimal === undefined ? Number.parseInt(digits ?? "", 16) : Number(decimal));
    });
    if (text.replaceAll(REFERENCE, "").includes("&")) throw this.#fail("an unknown entity");
    return resolved;
  }

  #character(code: number): string {
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    const character = code <= 0x10ffff && !isSurrogate ? String.fromCodePoint(code) : "\0";
    if (FORBIDDEN.test(character)) throw this.#fail(`character ${code} is not allowed`);
    return character;
  }

  #skipSpace(): void {
    while (/[ \t\n]/.test(this.#text[this.#offset] ?? "")) this.#offset += 1;
  }

  /** Takes what a sticky expression matches here. */
  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#offset;
    const found = expression.exec(this.#text);
    if (found === null) return undefined;
    this.#offset = expression.lastIndex;
    return found;
  }
}
