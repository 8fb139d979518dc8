import { expect } from "chai";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packModel } from "../../../offchain/inference/pack.ts";
import { loadPackage } from "../../../offchain/inference/package.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { tinyFiles, tinyManifest } from "../../support/models.ts";

const FIELDS = {
  name: "tiny",
  version: "1.0.0",
  description: "Multiplies two numbers",
  files: ["docs/notes.bin"],
  limits: { maxRequestBytes: 64, maxBatch: 4, timeoutMs: 1000 },
};

describe("inference/package", () => {
  const parent = temporaryDirectory();
  const dir = join(parent, "tiny");
  const at = (path: string): string => join(dir, path);

  beforeEach(() => {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(at("docs"), { recursive: true });
    for (const [path, content] of tinyFiles()) writeFileSync(at(path), content);
  });

  describe("packModel", () => {
    it("writes a manifest with what the graph says of itself, and the root", async () => {
      const packed = await packModel(dir, FIELDS);
      const { root, ...written } = JSON.parse(readFileSync(at("manifest.json"), "utf8"));
      expect(written).to.deep.equal(tinyManifest(tinyFiles()));
      expect(root).to.equal(packed.root);
    });

    it("writes the same bytes again", async () => {
      await packModel(dir, FIELDS);
      const first = readFileSync(at("manifest.json"));
      await packModel(dir, FIELDS);
      expect(readFileSync(at("manifest.json")).equals(first)).to.equal(true);
    });

    it("refuses a file that is not there, and a graph that is none", async () => {
      expect(await codeOfAsync(() => packModel(dir, { ...FIELDS, files: ["more.bin"] }))).to.equal("MODEL_MISMATCH");
      expect(await codeOfAsync(() => packModel(dir, { ...FIELDS, graph: "docs/notes.bin", files: [] }))).to.equal(
        "MODEL_MALFORMED",
      );
    });

    it("refuses a path out of the package before it writes", async () => {
      writeFileSync(join(parent, "secret"), "secret");
      expect(await codeOfAsync(() => packModel(dir, { ...FIELDS, files: ["../secret"] }))).to.equal("MODEL_MALFORMED");
      expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MALFORMED");
    });
  });

  describe("loadPackage", () => {
    it("returns the verified package", async () => {
      const packed = await packModel(dir, FIELDS);
      const loaded = await loadPackage(dir, packed.root);
      expect(loaded.root).to.equal(packed.root);
      expect([...loaded.files.keys()]).to.deep.equal(["model.onnx", "docs/notes.bin"]);
    });

    it("does not read files that the manifest does not name", async () => {
      const packed = await packModel(dir, FIELDS);
      writeFileSync(at("other.bin"), "other");
      expect((await loadPackage(dir)).root).to.equal(packed.root);
    });

    for (const path of ["model.onnx", "docs/notes.bin"]) {
      it(`refuses one flipped byte in ${path}`, async () => {
        await packModel(dir, FIELDS);
        const content = readFileSync(at(path));
        for (const place of [0, Math.floor(content.length / 2), content.length - 1]) {
          writeFileSync(
            at(path),
            content.map((byte, index) => (index === place ? byte ^ 0x80 : byte)),
          );
          expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MISMATCH");
        }
      });

      it(`refuses ${path} cut, missing, a directory or a link out of the package`, async () => {
        await packModel(dir, FIELDS);
        const content = readFileSync(at(path));
        writeFileSync(at(path), content.subarray(1));
        expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MISMATCH");
        rmSync(at(path));
        expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MISMATCH");
        mkdirSync(at(path));
        expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MISMATCH");
        rmSync(at(path), { recursive: true });
        writeFileSync(join(parent, "outside"), content);
        symlinkSync(join(parent, "outside"), at(path));
        expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MISMATCH");
      });
    }

    it("refuses any one flipped bit in the manifest", async () => {
      const { root } = await packModel(dir, FIELDS);
      const content = readFileSync(at("manifest.json"));
      const meaning = JSON.stringify(JSON.parse(content.toString()));
      for (let place = 0; place < content.length; place += 3) {
        const changed = content.map((byte, index) => (index === place ? byte ^ 1 : byte));
        // White space may change: the root is over what the manifest says.
        if (parsed(changed) === meaning) continue;
        writeFileSync(at("manifest.json"), changed);
        expect(await codeOfAsync(() => loadPackage(dir, root))).to.be.oneOf(["MODEL_MALFORMED", "MODEL_MISMATCH"]);
      }
    });

    it("refuses another root, a missing manifest and a missing directory", async () => {
      await packModel(dir, FIELDS);
      expect(await codeOfAsync(() => loadPackage(dir, `0x${"00".repeat(32)}`))).to.equal("MODEL_MISMATCH");
      renameSync(at("manifest.json"), at("manifest.txt"));
      expect(await codeOfAsync(() => loadPackage(dir))).to.equal("MODEL_MALFORMED");
      expect(await codeOfAsync(() => loadPackage(join(dir, "none")))).to.equal("MODEL_MALFORMED");
    });
  });
});

function parsed(bytes: Uint8Array): string | undefined {
  try {
    return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}
