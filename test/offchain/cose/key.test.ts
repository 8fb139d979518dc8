import { expect } from "chai";
import { generateKeyPairSync } from "node:crypto";
import { parseCoseKey } from "../../../offchain/cose/key.ts";
import { concat } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { coseKey, rawKey } from "../../support/arm-cca.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys } from "../../support/pki.ts";

const P256 = createKeys("P-256");
const P384 = createKeys("P-384");
const P521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const changed = (parameters: Parameters<typeof coseKey>[1]): Uint8Array => coseKey(P384, parameters);

describe("parseCoseKey", () => {
  it("reads both curves, with an id and the curve's algorithm or without", () => {
    for (const [curve, keys, algorithm] of [
      ["P-256", P256, -7],
      ["P-384", P384, -35],
    ] as const) {
      const xy = rawKey(keys).subarray(1);
      for (const more of [{}, { 2: Uint8Array.of(1) }, { 3: algorithm }]) {
        expect(parseCoseKey(coseKey(keys, more))).to.deep.equal({ curve, xy });
      }
    }
  });

  const refusals: readonly [string, ErrorCode, Uint8Array][] = [
    ["a key on P-521", "EVIDENCE_UNSUPPORTED", coseKey(P521)],
    ["another type of key", "EVIDENCE_UNSUPPORTED", changed({ 1: 1 })],
    ["no type", "EVIDENCE_UNSUPPORTED", changed({ 1: undefined })],
    ["no curve", "EVIDENCE_UNSUPPORTED", changed({ "-1": undefined })],
    ["another curve's algorithm", "EVIDENCE_UNSUPPORTED", changed({ 3: -7 })],
    ["a private key", "EVIDENCE_UNSUPPORTED", changed({ "-4": new Uint8Array(48) })],
    ["a compressed point", "EVIDENCE_UNSUPPORTED", changed({ "-3": true })],
    ["no x", "EVIDENCE_MALFORMED", changed({ "-2": undefined })],
    ["a short y", "EVIDENCE_MALFORMED", changed({ "-3": new Uint8Array(47) })],
    ["coordinates of the other curve's length", "EVIDENCE_MALFORMED", changed({ "-1": 1 })],
    ["an x in text", "EVIDENCE_MALFORMED", changed({ "-2": "x" })],
    ["a list", "EVIDENCE_MALFORMED", Uint8Array.of(0x80)],
    ["nothing", "EVIDENCE_MALFORMED", new Uint8Array()],
    ["a byte after the key", "EVIDENCE_MALFORMED", concat(coseKey(P384), Uint8Array.of(0))],
  ];
  for (const [what, code, bytes] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(code, () => parseCoseKey(bytes)));
  }
});
