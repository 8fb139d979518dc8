import { expect } from "chai";
import { parsePem } from "../../../offchain/x509/pem.ts";
import { pem } from "../../support/pki.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const block = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const text = pem("CERTIFICATE", block).toString();

describe("parsePem", () => {
  const refusals: readonly [string, string][] = [
    ["nothing", ""],
    ["text before the first block", `x\n${text}`],
    ["text between blocks", `${text}x\n${text}`],
    ["text after the last block", `${text}x`],
    ["a block of another label", pem("X509 CRL", block).toString()],
    ["a block with two labels", text.replace("END CERTIFICATE", "END X509 CRL")],
    ["base64 with bits left over", text.replace("7v8=", "7v9=").replace(/==?\n/, "B=\n")],
    ["an empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
    ["a block that does not end", text.slice(0, -12)],
    ["white space without end", `-----BEGIN CERTIFICATE-----${" ".repeat(100_000)}!`],
    ["zero octets without end", `${"\0".repeat(100_000)}!`],
    ["more blocks than any chain has", text.repeat(33)],
  ];
  for (const [what, input] of refusals) {
    it(`refuses ${what}`, () => expectRefusal("EVIDENCE_MALFORMED", () => parsePem(Buffer.from(input), "CERTIFICATE")));
  }

  it("reads as many blocks as a chain may have", () => {
    expect(parsePem(Buffer.from(text.repeat(32)), "CERTIFICATE")).to.have.lengthOf(32);
  });

  it("reads blocks in order, with white space and zero octets at the end", () => {
    const both = parsePem(Buffer.from(`${text}\r\n${text}\n\0\0`), "CERTIFICATE");
    expect(both.map((bytes) => Buffer.from(bytes).toString("hex"))).to.deep.equal([
      block.toString("hex"),
      block.toString("hex"),
    ]);
  });
});
