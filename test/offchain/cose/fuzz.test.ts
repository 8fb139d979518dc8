import { expect } from "chai";
import * as fc from "fast-check";
import { decodeCbor, type CborValue } from "../../../offchain/cose/cbor.ts";
import { parseCoseSign1 } from "../../../offchain/cose/sign1.ts";
import { damaged, damages } from "../../support/damage.ts";
import { codeOf } from "../../support/errors.ts";
import { preferredCbor } from "../../support/preferred-cbor.ts";

const RUNS = { seed: 20_260_115, numRuns: 3000 };
const SIGN1_CODES = ["none", "EVIDENCE_MALFORMED", "EVIDENCE_UNSUPPORTED"];

const { item: cborValue } = fc.letrec<{ item: CborValue }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(false, true, null),
    fc.bigInt({ min: -(1n << 64n), max: (1n << 64n) - 1n }),
    fc.integer({ min: -300, max: 70_000 }),
    fc.string({ unit: "grapheme", maxLength: 200 }).filter((text) => !text.startsWith("\uFEFF")),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("item"), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(tie("item"), tie("item")), {
        maxLength: 5,
        selector: ([key]) => preferredCbor(key).toString("hex"),
      })
      .map((entries) => new Map(entries)),
  ),
}));
const headers = fc.oneof(fc.constantFrom(new Map(), new Map([[1, -35]]), new Map([[2, [1]]])), cborValue);
const sign1Value = fc.tuple(
  headers.map((value) => new Uint8Array(preferredCbor(value))),
  headers,
  fc.uint8Array({ maxLength: 100 }),
  fc.uint8Array({ maxLength: 100 }),
);

/** What is accepted must be the one serialisation of what it was decoded to; anything else must be refused with a code. */
function expectStrict(bytes: Uint8Array): void {
  let decoded: CborValue = null;
  const code = codeOf(() => (decoded = decodeCbor(bytes)));
  if (code !== "none") expect(code).to.equal("EVIDENCE_MALFORMED");
  else expect(preferredCbor(decoded).equals(bytes)).to.equal(true);
}

describe("fuzzed CBOR and COSE", () => {
  it("decodes every value to itself", () =>
    fc.assert(
      fc.property(cborValue, (value) => {
        const bytes = preferredCbor(value);
        expect(preferredCbor(decodeCbor(new Uint8Array(bytes))).equals(bytes)).to.equal(true);
      }),
      RUNS,
    ));

  it("accepts of arbitrary bytes only what is in preferred serialisation", () =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), expectStrict), { ...RUNS, numRuns: 20_000 }));

  it("accepts of damaged values only what is in preferred serialisation", () =>
    fc.assert(
      fc.property(cborValue, damages, (value, changes) =>
        expectStrict(damaged(new Uint8Array(preferredCbor(value)), changes)),
      ),
      { ...RUNS, numRuns: 10_000 },
    ));

  it("parses messages, whole and damaged, or refuses them with a code", () =>
    fc.assert(
      fc.property(sign1Value, damages, fc.boolean(), (value, changes, tagged) => {
        const message = Buffer.concat([Buffer.from(tagged ? [0xd2] : []), preferredCbor(value)]);
        for (const bytes of [new Uint8Array(message), damaged(message, changes)]) {
          expect(codeOf(() => parseCoseSign1(bytes))).to.be.oneOf(SIGN1_CODES);
        }
      }),
      RUNS,
    ));
});
