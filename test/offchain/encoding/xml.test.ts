import { expect } from "chai";
import { canonicalXml } from "../../../offchain/encoding/xml-canonical.ts";
import { attributeOf, elementsOf, parseXml, textOfElement, type XmlElement } from "../../../offchain/encoding/xml.ts";

const parse = (text: string | Uint8Array): XmlElement =>
  parseXml(typeof text === "string" ? Buffer.from(text) : text, (message) => new RangeError(message));
const deep = (depth: number): string => `${"<a>".repeat(depth)}${"</a>".repeat(depth)}`;

describe("parseXml", () => {
  it("reads elements, attributes, namespaces and text", () => {
    const root = parse(
      '<?xml version="1.0" encoding="UTF-8"?>\n<a xmlns="u" xmlns:p="v"><p:b c="1" p:c="2">t</p:b> <c/></a>\n',
    );
    const [b, c] = elementsOf(root) ?? [];
    expect([root.local, root.namespace, b?.local, b?.namespace, c?.qualified]).to.deep.equal(["a", "u", "b", "v", "c"]);
    expect([b && attributeOf(b, "c"), b && attributeOf(b, "c", "v"), b && attributeOf(b, "d")]).to.deep.equal([
      "1",
      "2",
      undefined,
    ]);
    expect([b && textOfElement(b), textOfElement(root), b && elementsOf(b)]).to.deep.equal(["t", undefined, undefined]);
  });

  const refusals: readonly (readonly [string, string | Uint8Array])[] = [
    ["nothing", ""],
    ["a document type declaration", "<!DOCTYPE a><a/>"],
    ["an entity that was declared", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ["an entity that was not declared", "<a>&b;</a>"],
    ["an ampersand alone", "<a>& </a>"],
    ["a processing instruction", "<a><?b c?></a>"],
    ["a style sheet", '<?xml-stylesheet href="a"?><a/>'],
    ["a comment", "<a><!-- b --></a>"],
    ["a CDATA section", "<a><![CDATA[b]]></a>"],
    ["the end of one", "<a>]]></a>"],
    ["another version", '<?xml version="1.1"?><a/>'],
    ["another encoding", '<?xml version="1.0" encoding="UTF-16"?><a/>'],
    ["what is not UTF-8", Uint8Array.of(0x3c, 0x61, 0x2f, 0x3e, 0xff)],
    ["UTF-16", Buffer.from("<a/>", "utf16le")],
    ["text before the document", "b<a/>"],
    ["text after the document", "<a/>b"],
    ["two documents", "<a/><a/>"],
    ["an element that does not end", "<a>"],
    ["an end without a start", "</a>"],
    ["an end of another element", "<a></b>"],
    ["elements that overlap", "<a><b></a></b>"],
    ["a tag that does not end", "<a"],
    ["an attribute without quotes", "<a b=c/>"],
    ["an attribute without a value", "<a b/>"],
    ["attributes without space between", '<a b="1"c="2"/>'],
    ["an attribute with a tag in it", '<a b="<"/>'],
    ["an attribute twice", '<a b="1" b="2"/>'],
    ["an attribute twice under two prefixes", '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>'],
    ["a prefix that is not declared", "<p:a/>"],
    ["an attribute's prefix that is not declared", '<a p:b="1"/>'],
    ["a prefix that is not declared here", '<a><b xmlns:p="u"/><p:c/></a>'],
    ["a prefix without a namespace", '<a xmlns:p=""/>'],
    ["a prefix that is reserved", '<a xmlns:xml="u"/>'],
    ["another prefix for the namespace of xml", '<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>'],
    ["the namespace of xmlns", '<a xmlns="http://www.w3.org/2000/xmlns/"/>'],
    ["an attribute of xml", '<a xml:lang="en"/>'],
    ["two colons in a name", '<a xmlns:p="u"><p:b:c/></a>'],
    ["a name beyond ASCII", "<\u00e4/>"],
    ["a control character", "<a>\u0001</a>"],
    ["a reference to one", "<a>&#1;</a>"],
    ["a reference to a surrogate", "<a>&#xD800;</a>"],
    ["a reference to no character", "<a>&#x110000;</a>"],
    ["what is too deep", deep(17)],
    ["too many elements", `<a>${"<b/>".repeat(4096)}</a>`],
    ["too many attributes", `<a${Array.from({ length: 257 }, (_none, index) => ` b${index}=""`).join("")}/>`],
    ["too many bytes", `<a>${" ".repeat(1 << 20)}</a>`],
  ];
  for (const [what, text] of refusals) it(`refuses ${what}`, () => void expect(() => parse(text)).to.throw(RangeError));

  it("reads what is as deep as is allowed", () => {
    expect(parse(deep(16)).local).to.equal("a");
  });
});

describe("canonicalXml", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["ends empty elements, and drops the declaration", '<?xml version="1.0"?>\n<a/>\n', "<a></a>"],
    [
      "sorts attributes by namespace and name",
      '<a xmlns:p="v" xmlns:q="u" p:x="1" q:y="2" b="3" a="4"/>',
      '<a xmlns:p="v" xmlns:q="u" a="4" b="3" q:y="2" p:x="1"></a>',
    ],
    [
      "sorts namespaces by prefix, the default first",
      '<a xmlns:z="1" xmlns:b="2" xmlns="3"/>',
      '<a xmlns="3" xmlns:b="2" xmlns:z="1"></a>',
    ],
    ["writes a namespace once", '<a xmlns="u"><b xmlns="u"/></a>', '<a xmlns="u"><b></b></a>'],
    ["takes a default namespace back", '<a xmlns="u"><b xmlns=""/></a>', '<a xmlns="u"><b xmlns=""></b></a>'],
    ["keeps a namespace that nothing uses", '<a xmlns:p="u"/>', '<a xmlns:p="u"></a>'],
    ["escapes text", "<a>&lt;&gt;&amp;&quot;&#13;&#x9;</a>", '<a>&lt;&gt;&amp;"&#xD;\t</a>'],
    [
      "escapes attributes",
      '<a b="&lt;>&amp;&quot;&apos;&#9;&#10;&#13;"/>',
      `<a b="&lt;>&amp;&quot;'&#x9;&#xA;&#xD;"></a>`,
    ],
    ["makes spaces of white space in attributes", '<a b="1\n\t2"/>', '<a b="1  2"></a>'],
    ["makes line feeds of line ends", "<a>1\r\n2\r3</a>", "<a>1\n2\n3</a>"],
    ["keeps every other white space", "<a> <b  c = '1' > </b ></a>", '<a> <b c="1"> </b></a>'],
  ];
  for (const [what, text, expected] of cases) {
    it(what, () => {
      expect(canonicalXml(parse(text))).to.equal(expected);
    });
  }

  it("writes every namespace in scope on an element that stands alone, and leaves one child out", () => {
    const root = parse('<a xmlns="u" xmlns:p="v"><b xmlns:q="w"><c/></b></a>');
    const [b] = elementsOf(root) ?? [];
    expect(b && canonicalXml(b)).to.equal('<b xmlns="u" xmlns:p="v" xmlns:q="w"><c></c></b>');
    expect(canonicalXml(root, b)).to.equal('<a xmlns="u" xmlns:p="v"></a>');
  });
});
