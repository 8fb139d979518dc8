import { expect } from "chai";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { canonicalManifest, parseManifest } from "../../../offchain/model/manifest.ts";
import type { ModelManifest } from "../../../offchain/model/manifest.ts";
import { codeOf } from "../../support/errors.ts";
import { tinyFiles, tinyManifest } from "../../support/models.ts";

const GOOD = tinyManifest(tinyFiles());
const [FILE, OTHER] = GOOD.files;
const INPUT = GOOD.inputs[0];
const DIGEST = `0x${"cd".repeat(32)}`;
const EVALUATION = { heldOut: "ten digits", heldOutSha256: DIGEST, samples: 10, correct: 9, accuracy: 0.9, seed: 1 };

const encode = (manifest: unknown): Uint8Array => utf8(JSON.stringify(manifest));
const withPath = (path: unknown): unknown => ({ ...GOOD, files: [FILE, { ...OTHER, path }] });
const withInput = (member: object): unknown => ({ ...GOOD, inputs: [{ ...INPUT, ...member }] });
const without = (name: keyof ModelManifest): unknown => ({ ...GOOD, [name]: undefined });

const REFUSED: Readonly<Record<string, unknown>> = {
  "a list": [],
  null: null,
  "another schema": { ...GOOD, schema: "cloister-model/2" },
  "an unknown member": { ...GOOD, extra: 1 },
  "an unknown member of a file": { ...GOOD, files: [{ ...FILE, mode: 1 }, OTHER] },
  "a name with capitals": { ...GOOD, name: "Tiny" },
  "a name that ends in a hyphen": { ...GOOD, name: "tiny-" },
  "a version of two numbers": { ...GOOD, version: "1.0" },
  "an empty description": { ...GOOD, description: "" },
  "a lone surrogate": { ...GOOD, description: "\ud800" },
  "no files": { ...GOOD, files: [] },
  "a graph that is no file": { ...GOOD, graph: "other.onnx" },
  "a file twice": withPath("model.onnx"),
  "a file twice but for case": withPath("MODEL.onnx"),
  "the manifest as its own file": withPath("Manifest.json"),
  "a path to the parent": withPath("../secret"),
  "a path through the parent": withPath("a/../../secret"),
  "an absolute path": withPath("/etc/passwd"),
  "a path of Windows": withPath("..\\secret"),
  "a drive": withPath("C:secret"),
  "a path with an empty part": withPath("a//b"),
  "a path to itself": withPath("./a"),
  "a hidden file": withPath(".env"),
  "a path that ends in a slash": withPath("a/"),
  "a path that ends in a dot": withPath("a."),
  "a path with a zero byte": withPath("a\0b"),
  "a path that is no text": withPath(7),
  "an empty file": { ...GOOD, files: [FILE, { ...OTHER, bytes: 0 }] },
  "a length with a fraction": { ...GOOD, files: [FILE, { ...OTHER, bytes: 1.5 }] },
  "a length as text": { ...GOOD, files: [FILE, { ...OTHER, bytes: "1" }] },
  "a short digest": { ...GOOD, files: [FILE, { ...OTHER, sha256: "0x00" }] },
  "no inputs": { ...GOOD, inputs: [] },
  "an input twice": { ...GOOD, inputs: [INPUT, INPUT] },
  "an unknown datatype": withInput({ datatype: "FLOAT" }),
  "a dimension of zero": withInput({ shape: [0, 2] }),
  "a free dimension after the first": withInput({ shape: [1, -1] }),
  "two free dimensions": withInput({ shape: [-1, -1] }),
  "a dimension of -2": withInput({ shape: [-2, 2] }),
  "another engine": { ...GOOD, runtime: { ...GOOD.runtime, engine: "tensorrt" } },
  "another execution provider": { ...GOOD, runtime: { ...GOOD.runtime, executionProvider: "cuda" } },
  "no threads": { ...GOOD, runtime: { ...GOOD.runtime, intraOpThreads: 0 } },
  "a batch of zero": { ...GOOD, limits: { ...GOOD.limits, maxBatch: 0 } },
  "a time limit of days": { ...GOOD, limits: { ...GOOD.limits, timeoutMs: 1e9 } },
  "an unknown privacy mechanism": { ...GOOD, privacy: { mechanism: "laplace" } },
  "a label that is no text": { ...GOOD, labels: [1] },
  "an accuracy that is not correct over samples": { ...GOOD, evaluation: { ...EVALUATION, accuracy: 0.99 } },
  "more correct than samples": { ...GOOD, evaluation: { ...EVALUATION, correct: 11, accuracy: 1.1 } },
  "a short root": { ...GOOD, root: "0x00" },
};

describe("model/manifest", () => {
  describe("parseManifest", () => {
    it("reads what it is given", () => {
      expect(parseManifest(encode(GOOD))).to.deep.equal(GOOD);
      const full = { ...GOOD, labels: ["a", "b"], evaluation: EVALUATION, root: `0x${"ab".repeat(32)}` };
      expect(parseManifest(encode(full))).to.deep.equal(full);
    });

    it("reads a privacy policy, and its first leaf is the text that was read", () => {
      const privacy = {
        unit: "training-record",
        mechanism: { kind: "gnmax", sigmaSquared: { numerator: "1600", denominator: "1" } },
        sensitivitySquared: "2",
        budget: { perModel: "1052358", perPayer: "24355" },
      };
      const manifest = parseManifest(encode({ ...GOOD, privacy }));
      expect(manifest.privacy?.budget).to.deep.equal({ perModel: 1_052_358n, perPayer: 24_355n });
      expect(JSON.parse(new TextDecoder().decode(canonicalManifest(manifest)))).to.deep.equal({ ...GOOD, privacy });
    });

    for (const [what, manifest] of Object.entries(REFUSED)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => parseManifest(encode(manifest)))).to.equal("MODEL_MALFORMED");
      });
    }

    const required = Object.keys(GOOD) as (keyof ModelManifest)[];
    for (const name of required) {
      it(`refuses a manifest without ${name}`, () => {
        expect(codeOf(() => parseManifest(encode(without(name))))).to.equal("MODEL_MALFORMED");
      });
    }

    it("refuses bytes that are no JSON in UTF-8", () => {
      for (const bytes of [utf8("{"), Uint8Array.of(0xff), new Uint8Array()])
        expect(codeOf(() => parseManifest(bytes))).to.equal("MODEL_MALFORMED");
    });
  });

  describe("canonicalManifest", () => {
    it("sorts the members and leaves the root out", () => {
      const text = new TextDecoder().decode(canonicalManifest({ ...GOOD, root: `0x${"ab".repeat(32)}` }));
      expect(text).to.match(/^\{"description":"Multiplies two numbers","files":\[\{"bytes":/);
      expect(text).not.to.contain("root");
      expect(JSON.parse(text)).to.deep.equal(GOOD);
    });
  });
});
