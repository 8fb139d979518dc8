import { expect } from "chai";
import { parseManifest, runVector, summarise } from "../../../offchain/verifier/conformance.ts";
import { codeOf } from "../../support/errors.ts";

const ANY_TIME = 5;
const vector = {
  id: "one",
  platform: "intel-sgx",
  kind: "quote-only",
  files: { quote: "q.bin" },
  now: null,
  expect: "reject",
};

describe("verifier/conformance manifest", () => {
  it("takes null and absence alike for what is left open", () => {
    const open = { ...vector, expectIfDebugAllowed: null, tolerant: null, fields: null };
    expect(parseManifest([open], ANY_TIME)).to.deep.equal(parseManifest([vector], ANY_TIME));
    expect(parseManifest([vector], ANY_TIME)[0]).to.deep.include({ now: ANY_TIME, tolerant: false, fields: {} });
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ["what is no list", {}],
    ["a vector without an id", [{ ...vector, id: undefined }]],
    ["a time that is none", [{ ...vector, now: "yesterday" }]],
    ["an expectation that is none", [{ ...vector, expect: "maybe" }]],
    ["a file that is no path", [{ ...vector, files: { quote: 1 } }]],
  ];
  for (const [what, manifest] of refused) {
    it(`refuses ${what}`, () => {
      expect(codeOf(() => parseManifest(manifest, ANY_TIME))).to.equal("CONFIG_INVALID");
    });
  }

  it("counts what it cannot judge as unsupported, and evidence that is none as rejected", async () => {
    const vectors = parseManifest([vector, { ...vector, id: "two", platform: "ibm-se" }], ANY_TIME);
    const outcomes = await Promise.all(vectors.map((one) => runVector(one, async () => Uint8Array.of(1, 2, 3))));
    const { agreed, disagreed, unsupported, tolerant } = summarise(outcomes);
    expect({ agreed, disagreed, unsupported, tolerant }).to.deep.equal({
      agreed: 1,
      disagreed: 0,
      unsupported: 1,
      tolerant: 0,
    });
  });
});
