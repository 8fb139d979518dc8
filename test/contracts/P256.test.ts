import { expect } from "chai";
import { createHash, createPublicKey } from "node:crypto";
import { network as hardhatNetwork } from "hardhat";
import { deploy, type Deployed } from "../support/deployed.ts";
import { describeVectors, readVectors } from "../support/vectors.ts";

const { ethers } = await hardhatNetwork.create();

type DcapHarness = Deployed<"element" | "holds" | "iso" | "serialOf" | "time" | "unsigned">;

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly { tcId: number; msg: string; sig: string; result: string; flags: readonly string[] }[];
  }[];
}

/** A good signature: the contracts' own self-test. */
const DIGEST = "0xcb79a0dd0488b0c3d9d930bdc797ea7506eee27673450bd9b587599fb4b7fe80";
const GOOD = [
  0x98ade1dbc8f253d4d0d210ec13015daddd44f0ef4f2b3567f4ec1c39d74567b3n,
  0xc9fe46bad92057ce1c45fd96b81498015c1d5dc59b653981eb02bd674186db00n,
  0x64e7c89207f5d1c9d6347e08820e769ceef636385404fab53afbad8adf36c72dn,
  0x76df138981f4e4dbf2bc1397b149d5d7b8e45c4062ebd7e41bc1d50f8793ded6n,
] as const;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const harness = async (): Promise<DcapHarness> => deploy<DcapHarness>(ethers, "DcapHarness");

describe("P256", () => {
  describe("holds", () => {
    it("accepts high and low s (trap 16)", async () => {
      const contract = await harness();
      const [r, s, x, y] = GOOD;
      expect(s > ORDER / 2n).to.equal(true);
      expect(await contract.holds(DIGEST, r, s, x, y)).to.equal(true);
      expect(await contract.holds(DIGEST, r, ORDER - s, x, y)).to.equal(true);
    });

    it("is false, and does not revert, where the precompile returns nothing (trap 17)", async () => {
      const contract = await harness();
      const [r, s, x, y] = GOOD;
      for (const wrong of [
        [0n, s, x, y],
        [r, 0n, x, y],
        [r, s + ORDER, x, y],
        [ORDER, s, x, y],
        [r, s, x, y ^ 1n],
        [r, s, 0n, 0n],
      ]) {
        const inRange = wrong.map((value) => BigInt.asUintN(256, value));
        expect(await contract.holds(DIGEST, ...inRange)).to.equal(false);
      }
    });

    it("never says false for want of gas (traps 17 and 18)", async function () {
      this.timeout(120_000);
      const contract = await harness();
      const data = contract.interface.encodeFunctionData("holds", [DIGEST, ...GOOD]);
      const to = await contract.getAddress();
      const outcomes = { true: 0, reverted: 0 };
      for (let gasLimit = 22_500; gasLimit < 36_000; gasLimit += 37) {
        try {
          const answer = await ethers.provider.call({ to, data, gasLimit });
          expect(BigInt(answer)).to.equal(1n);
          outcomes.true += 1;
        } catch (error) {
          if (error instanceof Error && error.name === "AssertionError") throw error;
          outcomes.reverted += 1;
        }
      }
      expect(outcomes.true).to.be.greaterThan(20);
      expect(outcomes.reverted).to.be.greaterThan(20);
    });
  });

  describe("selfTest", () => {
    it("lets nothing be deployed where the precompile is missing", async () => {
      const old = await hardhatNetwork.create({ network: "default", override: { hardfork: "prague" } });
      const factory = await old.ethers.getContractFactory("IntelCollateral");
      await expect(old.ethers.deployContract("IntelCollateral", [1, 2])).to.be.revertedWithCustomError(
        factory,
        "DcapNoPrecompile",
      );
    });
  });

  describeVectors("Wycheproof", ["wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"], () => {
    it("agrees on every signature of 64 octets", async function () {
      this.timeout(120_000);
      const contract = await harness();
      const { testGroups } = readVectors("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json") as Wycheproof;
      let counted = 0;
      for (const { publicKeyDer, tests } of testGroups) {
        const key = createPublicKey({ key: Buffer.from(publicKeyDer, "hex"), format: "der", type: "spki" });
        const { x = "", y = "" } = key.export({ format: "jwk" });
        for (const { tcId, msg, sig, result } of tests.filter((test) => test.sig.length === 128)) {
          const digest = createHash("sha256").update(Buffer.from(msg, "hex")).digest();
          const [r, s] = [`0x${sig.slice(0, 64)}`, `0x${sig.slice(64)}`];
          const point = [x, y].map((part) => `0x${Buffer.from(part, "base64url").toString("hex")}`);
          expect(await contract.holds(digest, r, s, ...point), `tcId ${tcId}`).to.equal(result === "valid");
          counted += 1;
        }
      }
      expect(counted).to.be.greaterThan(200);
    });
  });
});
