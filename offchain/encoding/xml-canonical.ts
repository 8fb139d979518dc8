import type { XmlElement, XmlScope } from "./xml.ts";

/** What stands in a canonical document instead of what would be read as something else, in texts and in attributes. */
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#x9;",
  "\n": "&#xA;",
  "\r": "&#xD;",
};

const NOTHING: XmlScope = new Map([["", ""]]);

/**
 * The canonical form of an element with all in it but `without`, as the apex of what is signed: every namespace in scope is
 * written out on it. For documents of `parseXml`, which have no comments and no attributes of `xml:`, versions 1.0 and 1.1 are one.
 * @see Canonical XML 1.1, section 2.3
 */
export function canonicalXml(element: XmlElement, without?: XmlElement): string {
  return canonicalElement(element, NOTHING, without);
}

function canonicalElement(element: XmlElement, rendered: XmlScope, without: XmlElement | undefined): string {
  const { qualified, scope, children } = element;
  const content = children.map((child) => {
    if (typeof child === "string") return escaped(child, /[&<>\r]/g);
    return child === without ? "" : canonicalElement(child, scope, without);
  });
  return `<${qualified}${namespaces(scope, rendered)}${attributes(element)}>${content.join("")}</${qualified}>`;
}

/** Those that the element around does not have, by their prefixes. */
function namespaces(scope: XmlScope, rendered: XmlScope): string {
  return [...scope]
    .filter(([prefix, uri]) => rendered.get(prefix) !== uri)
    .sort(([a], [b]) => compare(a, b))
    .map(([prefix, uri]) => ` ${prefix === "" ? "xmlns" : `xmlns:${prefix}`}="${escapedValue(uri)}"`)
    .join("");
}

/** By namespace, those without one first, and then by local name. */
function attributes({ attributes: given }: XmlElement): string {
  return [...given]
    .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.local, b.local))
    .map(({ qualified, value }) => ` ${qualified}="${escapedValue(value)}"`)
    .join("");
}

function escapedValue(value: string): string {
  return escaped(value, /[&<"\t\n\r]/g);
}

function escaped(text: string, characters: RegExp): string {
  return text.replaceAll(characters, (character) => ESCAPES[character] ?? character);
}

/** By code points, which for what stands here is the order of UTF-16. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
