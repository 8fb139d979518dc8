import { expect } from "chai";
import { canonicalJson } from "../../../offchain/encoding/json.ts";
import type { Json } from "../../../offchain/encoding/json.ts";
import { parsePrivacyPolicy } from "../../../offchain/model/privacy-policy.ts";
import { codeOf } from "../../support/errors.ts";

const SIGMA = { numerator: "1600", denominator: "1" };
const GNMAX = {
  unit: "training-record",
  mechanism: { kind: "gnmax", sigmaSquared: SIGMA },
  sensitivitySquared: "2",
  budget: { perModel: "1052358", perPayer: "24355" },
};
const VECTOR = {
  ...GNMAX,
  unit: "request-input",
  mechanism: { kind: "clipped-vector", fractionBits: 16, norm: "65536", sigmaSquared: SIGMA },
  sensitivitySquared: "17179869184",
};
const GOOD: Readonly<Record<string, object>> = {
  gnmax: GNMAX,
  "confident-gnmax": {
    ...GNMAX,
    mechanism: { kind: "confident-gnmax", threshold: "200", selectionSigmaSquared: SIGMA, sigmaSquared: SIGMA },
  },
  "report-noisy-max": {
    ...GNMAX,
    mechanism: { kind: "report-noisy-max", scale: { numerator: "7", denominator: "2" } },
  },
  "clipped-vector": VECTOR,
  "clipped-vector of an aggregate": { ...VECTOR, unit: "user-contribution" },
};
const REFUSED: Readonly<Record<string, unknown>> = {
  nothing: null,
  "a list": [],
  "an unknown member": { ...GNMAX, delta: "0" },
  "an unknown unit": { ...GNMAX, unit: "row" },
  "a unit that votes do not protect": { ...GNMAX, unit: "request-input" },
  "a unit that noised vectors do not protect": { ...VECTOR, unit: "training-record" },
  "an unknown mechanism": { ...GNMAX, mechanism: { kind: "laplace", scale: SIGMA } },
  "a mechanism named like an inherited member": { ...GNMAX, mechanism: { kind: "toString" } },
  "a mechanism without its noise": { ...GNMAX, mechanism: { kind: "gnmax" } },
  "a mechanism with another's member": { ...GNMAX, mechanism: { ...GNMAX.mechanism, threshold: "1" } },
  "a sigma squared that is no fraction": { ...GNMAX, mechanism: { kind: "gnmax", sigmaSquared: 1600 } },
  "a sigma squared that can be shortened": {
    ...GNMAX,
    mechanism: { kind: "gnmax", sigmaSquared: { numerator: "3200", denominator: "2" } },
  },
  "no noise": { ...GNMAX, mechanism: { kind: "gnmax", sigmaSquared: { numerator: "0", denominator: "1" } } },
  "a smaller sensitivity than votes have": { ...GNMAX, sensitivitySquared: "1" },
  "a smaller sensitivity than the norm gives": { ...VECTOR, sensitivitySquared: "4294967296" },
  "a norm of 0": { ...VECTOR, mechanism: { ...VECTOR.mechanism, norm: "0" } },
  "a grid finer than a float": { ...VECTOR, mechanism: { ...VECTOR.mechanism, fractionBits: 53 } },
  "no budget": { ...GNMAX, budget: { perModel: "0", perPayer: "0" } },
  "a payer's budget above the model's": { ...GNMAX, budget: { perModel: "5", perPayer: "6" } },
  "a budget beyond 64 bits": { ...GNMAX, budget: { perModel: (1n << 64n).toString(), perPayer: "1" } },
  "a budget as a number": { ...GNMAX, budget: { perModel: 5, perPayer: 5 } },
};

describe("model/privacy-policy", () => {
  for (const [what, policy] of Object.entries(GOOD)) {
    it(`reads ${what}, and writes it as it was`, () => {
      const parsed = parsePrivacyPolicy(policy);
      expect(canonicalJson(parsed as unknown as Json)).to.equal(canonicalJson(policy as Json));
    });
  }

  for (const [what, policy] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, () => {
      expect(codeOf(() => parsePrivacyPolicy(policy))).to.equal("MODEL_MALFORMED");
    });
  }
});
