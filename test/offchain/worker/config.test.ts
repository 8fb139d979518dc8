import { expect } from "chai";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../../offchain/errors.ts";
import {
  configHash,
  measuredConfiguration,
  parseWorkerConfig,
  readKeyFile,
  readWorkerConfig,
} from "../../../offchain/worker/config.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { codeOf } from "../../support/errors.ts";
import { word } from "../../support/receipts.ts";

const GOOD = {
  name: "worker",
  nodeId: word(1),
  operator: `0x${"0b".repeat(20)}`,
  rpcUrl: "http://127.0.0.1:8545",
  deployments: "/deployments",
  models: [{ path: "/models/digits", root: word(2) }],
  dataDir: "/data",
  device: { kind: "simulated-intel", platformFile: "/platform.json" },
  settlementKeyFile: "/key",
};

describe("worker configuration", () => {
  const directory = temporaryDirectory();
  const written = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  describe("parseWorkerConfig", () => {
    it("fills in what has a default: loopback, any port, ten minutes", () => {
      expect(parseWorkerConfig(GOOD)).to.deep.equal({
        ...GOOD,
        host: "127.0.0.1",
        port: 0,
        settleEverySeconds: 600,
        evidenceMaxAgeSeconds: 300,
      });
    });

    it("takes a simulated machine of every vendor", () => {
      for (const kind of ["simulated-intel", "simulated-amd", "simulated-aws"] as const) {
        const device = { kind, platformFile: "/platform.json" };
        expect(parseWorkerConfig({ ...GOOD, device }).device).to.deep.equal(device);
      }
    });

    it("takes what is given", () => {
      const given = { host: "::1", port: 8080, settleEverySeconds: 60, evidenceMaxAgeSeconds: 30 };
      expect(parseWorkerConfig({ ...GOOD, ...given })).to.deep.include(given);
    });

    it("takes a GPU beside the machine", () => {
      const gpu = { kind: "simulated-nvidia", platformFile: "/gpu.json" };
      const device = { ...GOOD.device, gpu };
      expect(parseWorkerConfig({ ...GOOD, device })).to.deep.include({ device });
    });

    for (const name of Object.keys(GOOD)) {
      it(`refuses a configuration without ${name}`, () => {
        expect(codeOf(() => parseWorkerConfig({ ...GOOD, [name]: undefined }))).to.equal("CONFIG_INVALID");
      });
    }

    const refused: readonly (readonly [string, unknown])[] = [
      ["what is no object", []],
      ["an unknown member", { ...GOOD, settleEverySecond: 60 }],
      ["another GPU", { ...GOOD, device: { ...GOOD.device, gpu: { kind: "nvidia", platformFile: "/gpu.json" } } }],
      ["a GPU without a file", { ...GOOD, device: { ...GOOD.device, gpu: { kind: "simulated-nvidia" } } }],
      ["a node id of another length", { ...GOOD, nodeId: "0x01" }],
      ["an operator that is no address", { ...GOOD, operator: word(1) }],
      ["no model", { ...GOOD, models: [] }],
      ["a model without a root", { ...GOOD, models: [{ path: "/models/digits" }] }],
      ["a model's root without 0x", { ...GOOD, models: [{ path: "/m", root: word(2).slice(2) }] }],
      ["another kind of device", { ...GOOD, device: { kind: "sgx", platformFile: "/platform.json" } }],
      ["a device without its file", { ...GOOD, device: { kind: "simulated-intel" } }],
      ["a port out of range", { ...GOOD, port: 65_536 }],
      ["a port as text", { ...GOOD, port: "8080" }],
      ["a pace below zero", { ...GOOD, settleEverySeconds: -1 }],
      ["a pace longer than a week", { ...GOOD, evidenceMaxAgeSeconds: 7 * 24 * 3600 + 1 }],
    ];
    for (const [what, json] of refused) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => parseWorkerConfig(json))).to.equal("CONFIG_INVALID");
      });
    }
  });

  describe("readWorkerConfig", () => {
    it("reads the file", () => {
      expect(readWorkerConfig(written("good.json", JSON.stringify(GOOD))).nodeId).to.equal(GOOD.nodeId);
    });

    it("tells a file that is not there from one that is no JSON", () => {
      expect(codeOf(() => readWorkerConfig(join(directory, "nowhere.json")))).to.equal("CONFIG_MISSING");
      expect(codeOf(() => readWorkerConfig(written("bad.json", "{")))).to.equal("CONFIG_INVALID");
    });
  });

  describe("readKeyFile", () => {
    it("reads a key, with or without the end of its line", () => {
      expect(readKeyFile(written("key", `${word(0x5e)}\n`))).to.equal(word(0x5e));
      expect(readKeyFile(written("bare", word(0x5e)))).to.equal(word(0x5e));
    });

    it("refuses anything else and shows nothing of it", () => {
      const path = written("half", "0x5ec2e7");
      expect(() => readKeyFile(path))
        .to.throw(ConfigError)
        .that.satisfies(({ code, message }: ConfigError) => code === "CONFIG_INVALID" && !message.includes("5ec2e7"));
      expect(codeOf(() => readKeyFile(join(directory, "nowhere")))).to.equal("CONFIG_MISSING");
    });
  });

  describe("configHash", () => {
    it("is that of the models, in whatever order they are served, and of nothing else", () => {
      const hash = configHash(measuredConfiguration([{ root: word(2) }, { root: word(3) }]));
      expect(configHash(measuredConfiguration([{ root: word(3) }, { root: word(2) }]))).to.equal(hash);
      expect(configHash(measuredConfiguration([{ root: word(2) }]))).to.not.equal(hash);
    });
  });
});
