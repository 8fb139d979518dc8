import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { float32Tensor, float32Values } from "../../../offchain/encoding/tensor.ts";
import type { Tensor } from "../../../offchain/encoding/tensor.ts";
import { openModel } from "../../../offchain/inference/session.ts";
import type { Model } from "../../../offchain/inference/session.ts";
import type { ModelManifest } from "../../../offchain/model/manifest.ts";
import { verifyPackage } from "../../../offchain/model/package.ts";
import { parsePrivacyPolicy } from "../../../offchain/model/privacy-policy.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { externalGraph, tinyFiles, tinyManifest } from "../../support/models.ts";

const X = float32Tensor("x", [2, 2], Float32Array.of(1, 2, 3, 4));

function openTiny(change: Partial<ModelManifest> = {}, files = tinyFiles()): Promise<Model> {
  return openModel(verifyPackage({ ...tinyManifest(files), ...change }, files));
}

describe("inference/session", () => {
  const dir = temporaryDirectory();

  describe("openModel", () => {
    const TINY = tinyManifest(tinyFiles());
    const SPEC = TINY.inputs[0];
    const refused: Readonly<Record<string, readonly [string, object]>> = {
      "another version of the runtime": ["MODEL_MISMATCH", { runtime: { ...TINY.runtime, version: "1.29.0" } }],
      "another name of an input": ["MODEL_MISMATCH", { inputs: [{ ...SPEC, name: "image" }] }],
      "another datatype": ["MODEL_MISMATCH", { inputs: [{ ...SPEC, datatype: "FP64" }] }],
      "another shape": ["MODEL_MISMATCH", { inputs: [{ ...SPEC, shape: [-1, 3] }] }],
      "another output": ["MODEL_MISMATCH", { outputs: [{ ...SPEC, name: "z" }] }],
      "an output too many": ["MODEL_MISMATCH", { outputs: [...TINY.outputs, { ...SPEC, name: "z" }] }],
    };
    for (const [what, [code, change]] of Object.entries(refused)) {
      it(`refuses ${what} than the graph's`, async () => {
        expect(await codeOfAsync(() => openTiny(change))).to.equal(code);
      });
    }

    it("refuses a model whose privacy policy it would not keep", async () => {
      const privacy = parsePrivacyPolicy({
        unit: "training-record",
        mechanism: { kind: "gnmax", sigmaSquared: { numerator: "1600", denominator: "1" } },
        sensitivitySquared: "2",
        budget: { perModel: "1052358", perPayer: "24355" },
      });
      expect(await codeOfAsync(() => openTiny({ privacy }))).to.equal("MODEL_UNSUPPORTED");
    });

    it("refuses a graph that is none", async () => {
      const files = new Map([["model.onnx", utf8("no graph")]]);
      expect(await codeOfAsync(() => openTiny({}, files))).to.equal("MODEL_MALFORMED");
    });

    it("takes weights outside the graph from the package's files", async () => {
      const weights = float32Tensor("w", [2], Float32Array.of(5, 7)).data;
      const model = await openTiny(
        {},
        new Map([
          ["model.onnx", externalGraph("w.bin")],
          ["w.bin", weights],
        ]),
      );
      const [y] = await model.run([X]);
      expect([...float32Values(y ?? X)]).to.deep.equal([5, 14, 15, 28]);
      await model.close();
    });

    it("never takes weights from outside the package", async () => {
      writeFileSync(join(dir, "w.bin"), new Uint8Array(8));
      const before = process.cwd();
      process.chdir(dir);
      try {
        for (const location of ["w.bin", join(dir, "w.bin"), `../${dir.split("/").at(-1)}/w.bin`])
          expect(await codeOfAsync(() => openTiny({}, new Map([["model.onnx", externalGraph(location)]])))).to.equal(
            "MODEL_MALFORMED",
          );
      } finally {
        process.chdir(before);
      }
    });
  });

  describe("run", () => {
    let model: Model;
    before(async () => {
      model = await openTiny();
    });
    after(() => model.close());

    it("computes the outputs of the manifest for the whole batch", async () => {
      const outputs = await model.run([X]);
      expect(outputs).to.deep.equal([float32Tensor("y", [2, 2], Float32Array.of(2, 6, 6, 12))]);
    });

    it("takes data at any offset of a buffer and leaves it alone", async () => {
      const shifted = concat(Uint8Array.of(9), X.data).subarray(1);
      const [y] = await model.run([{ ...X, data: shifted }]);
      expect([...float32Values(y ?? X)]).to.deep.equal([2, 6, 6, 12]);
      expect(toHex(shifted)).to.equal(toHex(X.data));
    });

    it("gives the same bytes again, also for not-a-number and infinity", async () => {
      const odd = float32Tensor("x", [1, 2], Float32Array.of(Number.NaN, Infinity));
      for (const input of [X, odd]) {
        const [first, second] = [await model.run([input]), await model.run([input])];
        expect(first).to.deep.equal(second);
      }
    });

    const wrong: Readonly<Record<string, readonly Tensor[]>> = {
      "no input": [],
      "another name": [{ ...X, name: "z" }],
      "another datatype": [{ ...X, datatype: "INT32" }],
      "another shape": [float32Tensor("x", [1, 4], new Float32Array(4))],
      "too large a batch": [float32Tensor("x", [5, 2], new Float32Array(10))],
    };
    for (const [what, inputs] of Object.entries(wrong)) {
      it(`refuses ${what}`, async () => {
        expect(await codeOfAsync(() => model.run(inputs))).to.equal("INPUT_INVALID");
      });
    }
  });

  describe("close", () => {
    it("ends the model, and may be called twice", async () => {
      const model = await openTiny();
      await model.close();
      await model.close();
      expect(await codeOfAsync(() => model.run([X]))).to.equal("INFERENCE_FAILED");
    });
  });
});

describe("inference/runtime", () => {
  const home = temporaryDirectory();

  it("starts no usage reports: nothing is written where they keep their identifier and their queue", () => {
    const packageDir = join(home, "package");
    mkdirSync(packageDir);
    const pack = JSON.stringify(pathToFileURL("offchain/inference/pack.ts"));
    for (const [path, content] of [...tinyFiles()].slice(0, 1)) writeFileSync(join(packageDir, path), content);
    const script = `import { packModel } from ${pack};
      await packModel(${JSON.stringify(packageDir)}, { name: "tiny", version: "1.0.0", description: "tiny" });`;
    const cache = join(home, "cache");
    mkdirSync(cache);
    // Nothing but the code under test may turn the reports off, so the child gets an environment of its own.
    const child = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      env: { HOME: cache, XDG_CACHE_HOME: cache, PATH: process.env["PATH"] },
    });
    expect(child.status, String(child.stderr)).to.equal(0);
    expect(readdirSync(packageDir)).to.include("manifest.json");
    expect(readdirSync(cache)).to.deep.equal([]);
  });

  it("refuses to load in a thread whose process did not turn usage reports off", async () => {
    const runtime = JSON.stringify(pathToFileURL("offchain/inference/runtime.ts"));
    const script = `import { parentPort } from "node:worker_threads";
      const { loadRuntime } = await import(${runtime});
      const answer = await Promise.resolve().then(loadRuntime).then(() => "loaded", (error) => error.code);
      parentPort.postMessage(answer);`;
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { env: {}, execArgv: [] });
    const answer = await new Promise((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
    expect(answer).to.equal("INFERENCE_FAILED");
    await thread.terminate();
  });
});
