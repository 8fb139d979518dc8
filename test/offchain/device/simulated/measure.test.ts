import { expect } from "chai";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { measureWorker, programSources } from "../../../../offchain/device/simulated/measure.ts";
import type { WorkerMeasurements } from "../../../../offchain/device/simulated/measure.ts";
import { codeOfAsync } from "../../../support/errors.ts";
import { temporaryDirectory } from "../../../support/directories.ts";

const FILES: Readonly<Record<string, string>> = {
  "package.json":
    '{"imports":{"#crypto":"./crypto/node.ts","#both":{"browser":"./b.ts","default":"./crypto/node.ts"}}}',
  "package-lock.json": "{}",
  "worker/main.ts": [
    'import { a } from "../lib/a.ts";',
    'import type { C } from "../lib/c.ts";',
    'import "node:fs";',
    'import"../lib/effect.ts";',
    'const sql = new URL("../lib/schema.sql", import.meta.url);',
    'const late = await import("../lib/late.ts");',
    'import { x } from "ethers";',
  ].join("\n"),
  "lib/a.ts": 'import { h } from "#crypto";\nexport { b } from "./b.ts";',
  "lib/b.ts": 'import { a } from "./a.ts";',
  "lib/c.ts": "export type C = 1;",
  "lib/effect.ts": "",
  "lib/late.ts": "",
  "lib/schema.sql": 'select 1; -- from "./unused.ts"',
  "lib/unused.ts": "never imported",
  "crypto/node.ts": "",
};
const CLOSURE = [
  "crypto/node.ts",
  "lib/a.ts",
  "lib/b.ts",
  "lib/c.ts",
  "lib/effect.ts",
  "lib/late.ts",
  "lib/schema.sql",
  "worker/main.ts",
];
const CONFIGURATION = { model: "digits", epsilon: 1 };

describe("simulated measurement", () => {
  let count = 0;
  const directory = { path: "" };
  before(() => {
    directory.path = temporaryDirectory();
  });

  function program(changes: Readonly<Record<string, string | undefined>> = {}): { root: string; entry: string } {
    count += 1;
    const root = join(directory.path, `program-${count}`);
    for (const [path, content] of Object.entries({ ...FILES, ...changes })) {
      if (content === undefined) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    return { root, entry: "worker/main.ts" };
  }

  async function measure(changes: Readonly<Record<string, string>> = {}): Promise<WorkerMeasurements> {
    return measureWorker({ ...program(changes), configuration: CONFIGURATION });
  }

  function changed(before: WorkerMeasurements, after: WorkerMeasurements): string[] {
    return (Object.keys(before) as (keyof WorkerMeasurements)[]).filter((name) => before[name] !== after[name]);
  }

  it("finds the entry and everything it imports, in order", async () => {
    const sources = await programSources(program());
    expect(sources.map(({ path }) => path)).to.deep.equal(CLOSURE);
  });

  it("is the documented recipe", async () => {
    const hash = (name: string, ...parts: readonly (string | Buffer)[]): Buffer => {
      const digest = createHash(name);
      for (const part of parts) digest.update(part);
      return digest.digest();
    };
    const extend = (digest: Buffer): Buffer => hash("sha384", Buffer.alloc(48), digest);
    const lines = CLOSURE.map((path) => `${hash("sha384", FILES[path] ?? "").toString("hex")}  ${path}\n`).join("");
    const mrtd = hash("sha384", "cloister/simulated/measurement/v1");
    const rtmrs = ["worker/main.ts", "{}", lines, '{"epsilon":1,"model":"digits"}'].map((text) =>
      extend(hash("sha384", text)),
    );
    const measured = await measure();
    const { rtmr0, rtmr1, rtmr2, rtmr3 } = measured;
    expect([rtmr0, rtmr1, rtmr2, rtmr3]).to.deep.equal(rtmrs.map((rtmr) => `0x${rtmr.toString("hex")}`));
    expect(measured.mrtd).to.equal(`0x${mrtd.toString("hex")}`);
    expect(measured.measurement).to.equal(`0x${hash("sha384", mrtd, ...rtmrs).toString("hex")}`);
    const [entry, lockFile, sources, configuration] = rtmrs;
    const pcr1 = extend(hash("sha384", mrtd, lockFile!));
    const pcr2 = extend(hash("sha384", entry!, sources!, configuration!));
    const pcrs = [extend(hash("sha384", pcr1, pcr2)), pcr1, pcr2];
    const { pcr0, ...others } = measured;
    expect([pcr0, others.pcr1, others.pcr2]).to.deep.equal(pcrs.map((pcr) => `0x${pcr.toString("hex")}`));
    expect(measured.mrenclave).to.equal(`0x${hash("sha256", mrtd, ...rtmrs).toString("hex")}`);
  });

  it("is the same in another place and for another order of the configuration", async () => {
    const first = await measure();
    const again = await measureWorker({ ...program(), configuration: { epsilon: 1, model: "digits" } });
    expect(again).to.deep.equal(first);
  });

  it("shows each change in MRENCLAVE and in the register of what changed", async () => {
    const original = await measure();
    expect(changed(original, await measure({ "lib/b.ts": "// other" }))).to.deep.equal([
      "mrenclave",
      "rtmr2",
      "measurement",
      "pcr0",
      "pcr2",
    ]);
    expect(changed(original, await measure({ "lib/schema.sql": "drop" }))).to.deep.equal([
      "mrenclave",
      "rtmr2",
      "measurement",
      "pcr0",
      "pcr2",
    ]);
    expect(changed(original, await measure({ "package-lock.json": "{ }" }))).to.deep.equal([
      "mrenclave",
      "rtmr1",
      "measurement",
      "pcr0",
      "pcr1",
    ]);
    const other = await measureWorker({ ...program(), configuration: { ...CONFIGURATION, epsilon: 2 } });
    expect(changed(original, other)).to.deep.equal(["mrenclave", "rtmr3", "measurement", "pcr0", "pcr2"]);
    expect(changed(original, await measure({ "lib/unused.ts": "other" }))).to.deep.equal([]);
  });

  it("refuses what it cannot measure whole", async () => {
    const cases: [Readonly<Record<string, string | undefined>>, string][] = [
      [{ "lib/b.ts": undefined }, "CONFIG_MISSING"],
      [{ "package-lock.json": undefined }, "CONFIG_MISSING"],
      [{ "lib/b.ts": 'import "../../outside.ts";' }, "CONFIG_INVALID"],
      [{ "lib/b.ts": "await import(name);" }, "CONFIG_INVALID"],
      [{ "lib/b.ts": 'import "#unknown";' }, "CONFIG_INVALID"],
    ];
    for (const [changes, code] of cases) {
      const work = async (): Promise<unknown> => measureWorker({ ...program(changes), configuration: {} });
      expect(await codeOfAsync(work), JSON.stringify(changes)).to.equal(code);
    }
  });

  it("measures this repository", async () => {
    const root = join(import.meta.dirname, "../../../..");
    const sources = await programSources({ root, entry: "offchain/device/simulated/measure.ts" });
    expect(sources.map(({ path }) => path)).to.deep.equal([
      "offchain/crypto/face.ts",
      "offchain/crypto/node.ts",
      "offchain/device/simulated/measure.ts",
      "offchain/encoding/bytes.ts",
      "offchain/encoding/json.ts",
      "offchain/errors.ts",
    ]);
  });
});
