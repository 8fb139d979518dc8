import { expect } from "chai";
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  clientOptions,
  parseTrustRoot,
  readProfile,
  readProfileKey,
  writeProfile,
  type Profile,
} from "../../../offchain/client/profile.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { codeOf } from "../../support/errors.ts";

const ROOT = {
  name: "SIMULATED root",
  spkiSha256: "ab".repeat(32),
  simulated: true,
  family: "nvidia",
  purpose: "reference-values",
} as const;
const KEY = `0x${"11".repeat(32)}`;

describe("profile", () => {
  const directory = temporaryDirectory();
  const home = join(directory, "net");
  const file = join(home, "profile.json");
  const profile: Profile = {
    name: "devnet",
    rpcUrl: "http://127.0.0.1:8545",
    deployments: join(home, "deployments"),
    endorsements: { ...VENDOR_SERVICES, pcs: "http://127.0.0.1:8080" },
    trustRoots: [ROOT],
    policy: { ...DEFAULT_POLICY, allowSimulated: true },
    keyFile: join(home, "key"),
    dataDir: join(home, "data"),
  };

  const json = {
    schema: "cloister-profile/1",
    name: "n",
    rpcUrl: "https://rpc.example",
    deployments: "deployments",
    endorsements: { pcs: "https://pcs.example/" },
    trustRoots: [],
    policy: {},
    keyFile: "../key",
    dataDir: "/var/lib/cloister",
  };
  const write = (value: unknown): string => {
    writeFileSync(file, JSON.stringify(value));
    return file;
  };
  const writeKey = (content: string, mode: number): string => {
    const keyFile = join(home, "some.key");
    writeFileSync(keyFile, content);
    chmodSync(keyFile, mode);
    return keyFile;
  };

  before(() => mkdirSync(home));

  describe("readProfile", () => {
    it("reads what writeProfile wrote", () => {
      writeProfile(file, profile);
      expect(readProfile(file)).to.deep.equal(profile);
    });

    it("finds its files again where the directory was moved", () => {
      writeProfile(file, profile);
      const moved = join(directory, "moved");
      renameSync(home, moved);
      expect(readProfile(join(moved, "profile.json")).keyFile).to.equal(join(moved, "key"));
      renameSync(moved, home);
    });

    it("takes paths relative to the file and the default for what a policy leaves out", () => {
      const read = readProfile(write(json));
      expect(read.deployments).to.equal(join(home, "deployments"));
      expect(read.keyFile).to.equal(join(directory, "key"));
      expect(read.dataDir).to.equal("/var/lib/cloister");
      expect(read.policy).to.deep.equal(DEFAULT_POLICY);
      expect(read.endorsements).to.deep.equal({ ...VENDOR_SERVICES, pcs: "https://pcs.example" });
    });

    const refused: Readonly<Record<string, unknown>> = {
      "another schema": { ...json, schema: "cloister-profile/2" },
      "a missing member": { ...json, rpcUrl: undefined },
      "an unknown member": { ...json, privateKey: KEY },
      "an RPC that is no URL": { ...json, rpcUrl: "localhost" },
      "an RPC of another protocol": { ...json, rpcUrl: "file:///etc/passwd" },
      "a service on another machine without TLS": { ...json, endorsements: { kds: "http://kds.example" } },
      "a service that is no URL": { ...json, endorsements: { pcs: "pcs" } },
      "a service with a password": { ...json, endorsements: { pcs: "https://user:word@pcs.example" } },
      "a service with a query": { ...json, endorsements: { pcs: "https://pcs.example/?a" } },
      "a service that nobody knows": { ...json, endorsements: { arm: "https://arm.example" } },
      "a policy with an unknown member": { ...json, policy: { allowAll: true } },
      "a root that calls itself genuine": { ...json, trustRoots: [{ ...ROOT, simulated: false }] },
      "a root for another purpose": { ...json, trustRoots: [{ ...ROOT, purpose: "rim" }] },
      "a root without its key": { ...json, trustRoots: [{ ...ROOT, spkiSha256: "ab" }] },
      "a list": [json],
    };
    for (const [what, value] of Object.entries(refused)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => readProfile(write(value)))).to.equal("CONFIG_INVALID");
      });
    }

    it("refuses a missing file and one that is no JSON", () => {
      expect(codeOf(() => readProfile(join(home, "none.json")))).to.equal("CONFIG_MISSING");
      writeFileSync(file, "{");
      expect(codeOf(() => readProfile(file))).to.equal("CONFIG_INVALID");
    });
  });

  describe("readProfileKey", () => {
    it("reads a key that its owner alone may read", () => {
      expect(readProfileKey({ keyFile: writeKey(`${KEY}\n`, 0o600) })).to.equal(KEY);
    });

    it("refuses a key that others may read", function () {
      if (process.platform === "win32") this.skip();
      for (const mode of [0o640, 0o604, 0o644]) {
        expect(codeOf(() => readProfileKey({ keyFile: writeKey(KEY, mode) }))).to.equal("CONFIG_INVALID");
      }
    });

    it("refuses what is no key without showing it", () => {
      const content = `0x${"22".repeat(31)}`;
      const keyFile = writeKey(content, 0o600);
      expect(codeOf(() => readProfileKey({ keyFile }))).to.equal("CONFIG_INVALID");
      expect(() => readProfileKey({ keyFile }))
        .to.throw()
        .with.property("message")
        .that.does.not.include("2222");
    });

    it("refuses a missing file", () => {
      expect(codeOf(() => readProfileKey({ keyFile: join(home, "none.key") }))).to.equal("CONFIG_MISSING");
    });
  });

  describe("clientOptions", () => {
    it("always trusts the vendor's root, and keeps the client's store apart", () => {
      const options = clientOptions({ ...profile, keyFile: writeKey(KEY, 0o600) });
      expect(options.trustRoots).to.deep.equal([...VENDOR_ROOTS, ROOT]);
      expect(options.store).to.deep.equal({ dir: join(home, "data", "client") });
      expect(options.payerKey).to.equal(KEY);
    });
  });

  describe("parseTrustRoot", () => {
    it("reads hex of either case and refuses anything else", () => {
      expect(parseTrustRoot({ ...ROOT, spkiSha256: "AB".repeat(32) }, "root")).to.deep.equal(ROOT);
      for (const wrong of [{ ...ROOT, simulated: "no" }, { ...ROOT, name: 1 }, null]) {
        expect(codeOf(() => parseTrustRoot(wrong, "root"))).to.equal("CONFIG_INVALID");
      }
    });
  });
});
