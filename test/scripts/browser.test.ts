import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePage } from "../../scripts/browser/bundle.ts";
import { findChromium } from "../../scripts/browser/chromium.ts";
import { codeOf } from "../support/errors.ts";

describe("scripts/browser", () => {
  let folder: string;
  const program = () => join(folder, "chromium");

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "cloister-chromium-"));
    writeFileSync(program(), "", { mode: 0o755 });
  });
  after(() => rmSync(folder, { recursive: true }));

  describe("findChromium", () => {
    it("takes the program that is named, or the first on PATH", () => {
      expect(findChromium({ CHROMIUM_PATH: program() })).to.equal(program());
      expect(findChromium({ PATH: `/nowhere:${folder}` })).to.equal(program());
    });

    it("says what to install where there is none", () => {
      const wrong = [{}, { PATH: "" }, { PATH: "/nowhere" }, { CHROMIUM_PATH: "/nowhere/chromium", PATH: folder }];
      for (const environment of wrong) expect(codeOf(() => findChromium(environment))).to.equal("CONFIG_MISSING");
    });
  });

  describe("bundlePage", () => {
    it("makes one module of the verifier and what a client needs of floors 1 to 5, without anything of Node's", async () => {
      const code = await bundlePage();
      expect(code).to.include("EVIDENCE_MALFORMED");
      expect(code).to.not.match(/["']node:/);
    });

    it("refuses code that needs Node", async () => {
      const entry = join(folder, "entry.ts");
      writeFileSync(entry, 'import { readFileSync } from "node:fs";\nconsole.log(readFileSync);\n');
      const refused = await bundlePage(entry).then(
        () => "bundled",
        (error: unknown) => String(error),
      );
      expect(refused).to.include("imports node:fs, which no browser has");
    });
  });
});
