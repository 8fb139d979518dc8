import { sha256 } from "#crypto";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { float32Values } from "../../../offchain/encoding/tensor.ts";
import { loadPackage } from "../../../offchain/inference/package.ts";
import { openModel } from "../../../offchain/inference/session.ts";
import type { Model } from "../../../offchain/inference/session.ts";
import { digitTensor, parseDigits } from "../../../offchain/model/digits.ts";
import type { ModelPackage } from "../../../offchain/model/package.ts";
import { countCorrect } from "../../../scripts/digits/publish.ts";
import { expectNear } from "../../support/near.ts";

describe("models/digits", () => {
  const set = readFileSync("models/digits/holdout.bin");
  const digits = parseDigits(set);
  let pkg: ModelPackage;
  let model: Model;

  before(async () => {
    pkg = await loadPackage("models/digits");
    model = await openModel(pkg);
  });
  after(() => model.close());

  it("is as good on the held-out set as its manifest states, and at least 95 %", async () => {
    const { evaluation } = pkg.manifest;
    expect(evaluation?.heldOutSha256).to.equal(toHex(sha256(set)));
    expect(evaluation?.samples).to.equal(digits.length);
    expect(await countCorrect(model, digits)).to.equal(evaluation?.correct);
    expect(evaluation?.accuracy).to.be.at.least(0.95);
  });

  it("is held out over every digit alike", () => {
    const counts = Array.from({ length: 10 }, (_, label) => digits.filter((digit) => digit.label === label).length);
    expect(new Set(counts)).to.deep.equal(new Set([digits.length / 10]));
    expect(digits.length).to.be.at.least(500);
  });

  it("gives bit-identical answers in repeated runs and in another session", async () => {
    const input = digitTensor(digits.slice(0, 16).map((digit) => digit.pixels));
    const first = await model.run([input]);
    expect(await model.run([input])).to.deep.equal(first);
    const other = await openModel(pkg);
    expect(await other.run([input])).to.deep.equal(first);
    await other.close();
  });

  it("answers with probabilities that belong to the logits", async () => {
    const [logits, probabilities] = await model.run([digitTensor(digits.slice(0, 1).map((digit) => digit.pixels))]);
    if (logits === undefined || probabilities === undefined) throw new Error("two outputs are expected");
    const powers = float32Values(logits).map(Math.exp);
    const sum = powers.reduce((total, power) => total + power, 0);
    float32Values(probabilities).forEach((value, index) => {
      expectNear(value, (powers[index] ?? 0) / sum, 1e-5);
    });
  });
});
