import { sha256 } from "#crypto";
import { expect } from "chai";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { canonicalManifest } from "../../../offchain/model/manifest.ts";
import type { ModelManifest } from "../../../offchain/model/manifest.ts";
import { packageRoot, verifyPackage } from "../../../offchain/model/package.ts";
import { codeOf } from "../../support/errors.ts";
import { tinyFiles, tinyManifest } from "../../support/models.ts";

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

describe("model/package", () => {
  const files = tinyFiles();
  const manifest = tinyManifest(files);
  const root = packageRoot(manifest, files);

  describe("packageRoot", () => {
    it("is the tree over the manifest and the files' chunks of 64 KiB", () => {
      const leaf = (content: Uint8Array): Uint8Array => sha256(Uint8Array.of(0), content);
      const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(1), left, right);
      const graph = files.get("model.onnx") ?? new Uint8Array();
      const notes = files.get("docs/notes.bin") ?? new Uint8Array();
      const [first, second, third] = [notes.slice(0, 65_536), notes.slice(65_536, 131_072), notes.slice(131_072)];
      const left = node(node(leaf(canonicalManifest(manifest)), leaf(graph)), node(leaf(first), leaf(second)));
      expect(root).to.equal(toHex(node(left, leaf(third))));
    });

    it("is a golden value", () => {
      expect(root).to.equal("0x6cbeb6c09fef9a4ab79e612d5c8d8d35e5d7463aea97dbe0641ba2f5a74cdb4b");
    });

    it("does not change with the root that the manifest states", () => {
      expect(packageRoot({ ...manifest, root }, files)).to.equal(root);
    });
  });

  describe("verifyPackage", () => {
    it("returns the package with its root", () => {
      expect(verifyPackage({ ...manifest, root }, files, root).root).to.equal(root);
    });

    for (const [path, content] of files) {
      it(`refuses ${path} with any one byte flipped`, () => {
        const step = Math.max(1, Math.floor(content.length / 50));
        const places = Array.from({ length: Math.ceil(content.length / step) }, (_, index) => index * step);
        for (const at of [...places, content.length - 1]) {
          const changed = new Map(files).set(path, flipped(content, at));
          expect(codeOf(() => verifyPackage(manifest, changed))).to.equal("MODEL_MISMATCH");
        }
      });

      it(`refuses ${path} cut, lengthened or missing`, () => {
        const missing = new Map(files);
        missing.delete(path);
        const cut = new Map(files).set(path, content.subarray(1));
        const longer = new Map(files).set(path, concat(content, utf8("x")));
        for (const wrong of [missing, cut, longer])
          expect(codeOf(() => verifyPackage(manifest, wrong))).to.equal("MODEL_MISMATCH");
      });
    }

    it("refuses a file that the manifest does not name", () => {
      const more = new Map(files).set("more.bin", utf8("x"));
      expect(codeOf(() => verifyPackage(manifest, more))).to.equal("MODEL_MISMATCH");
    });

    it("refuses another manifest under the expected root, whatever it changes", () => {
      const changes: Partial<ModelManifest>[] = [
        { name: "other" },
        { description: "Multiplies three numbers" },
        { files: manifest.files.toReversed() },
        { limits: { ...manifest.limits, maxBatch: 5 } },
        { labels: ["a"] },
      ];
      for (const change of changes)
        expect(codeOf(() => verifyPackage({ ...manifest, ...change }, files, root))).to.equal("MODEL_MISMATCH");
    });

    it("refuses a root that the manifest states and that is not its own", () => {
      const wrong = { ...manifest, root: toHex(sha256()) };
      expect(codeOf(() => verifyPackage(wrong, files))).to.equal("MODEL_MISMATCH");
    });
  });
});
