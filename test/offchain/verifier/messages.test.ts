import { expect } from "chai";
import { TypedDataEncoder, Wallet, type TypedDataField } from "ethers";
import { parseHex, toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { bindingDigest, reportDataOf, type NodeBinding } from "../../../offchain/verifier/binding.ts";
import {
  platformCode,
  signVerdict,
  tcbStatusCode,
  verdictDigest,
  verdictSigner,
  type Verdict,
} from "../../../offchain/verifier/verdict.ts";

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const address = (byte: string): Hex => `0x${byte.repeat(20)}`;
const domain = { chainId: 31_337n, verifyingContract: address("c0") };
const binding: NodeBinding = {
  nodeId: word("01"),
  operator: address("02"),
  signingKey: address("03"),
  sealingKey: word("04"),
  gpuEvidenceHash: word("00"),
  configHash: word("06"),
};
const verdict: Verdict = {
  ...binding,
  platform: 0x82,
  tcbStatus: 1,
  evaluationNumber: 20,
  workloadId: word("07"),
  platformId: word("08"),
  evidenceHash: word("09"),
  policyVersion: 4_294_967_295,
  blockNumber: 18_446_744_073_709_551_615n,
  blockHash: word("0a"),
  issuedAt: 1_767_225_600,
  expiresAt: 1_099_511_627_775,
};

const NODE_BINDING = members(
  "nodeId:bytes32 operator:address signingKey:address sealingKey:bytes32 gpuEvidenceHash:bytes32 configHash:bytes32",
);
const VERDICT = [
  ...NODE_BINDING,
  ...members(
    "platform:uint8 tcbStatus:uint8 evaluationNumber:uint32 workloadId:bytes32 platformId:bytes32 evidenceHash:bytes32 policyVersion:uint32 blockNumber:uint64 blockHash:bytes32 issuedAt:uint40 expiresAt:uint40",
  ),
];

function members(list: string): TypedDataField[] {
  return list.split(" ").map((member) => {
    const [name = "", type = ""] = member.split(":");
    return { name, type };
  });
}

describe("signed messages of the verifier", () => {
  it("bindingDigest is what ethers computes", () => {
    const oracle = TypedDataEncoder.hash(
      { name: "Cloister NodeRegistry", version: "1", ...domain },
      { NodeBinding: NODE_BINDING },
      binding,
    );
    expect(toHex(bindingDigest(domain, binding))).to.equal(oracle);
  });

  it("verdictDigest is what ethers computes", () => {
    const oracle = TypedDataEncoder.hash(
      { name: "Cloister VerifierCommittee", version: "1", ...domain },
      { Verdict: VERDICT },
      verdict,
    );
    expect(toHex(verdictDigest(domain, verdict))).to.equal(oracle);
  });

  it("reportDataOf puts digest, block number and the first 24 bytes of the hash in their places", () => {
    const reportData = reportDataOf(domain, binding, { blockNumber: 258n, blockHash: word("ab") });
    expect(toHex(reportData)).to.equal(`${toHex(bindingDigest(domain, binding))}0000000000000102${"ab".repeat(24)}`);
  });

  it("a verdict's signature is by its signer, for this domain and content only", () => {
    const wallet = Wallet.createRandom();
    const signature = signVerdict(domain, verdict, parseHex(wallet.privateKey) ?? new Uint8Array());
    expect(verdictSigner(domain, verdict, signature)).to.equal(wallet.address.toLowerCase());
    expect(verdictSigner({ ...domain, chainId: 1n }, verdict, signature)).to.not.equal(wallet.address.toLowerCase());
    expect(verdictSigner(domain, { ...verdict, tcbStatus: 5 }, signature)).to.not.equal(wallet.address.toLowerCase());
    expect(verdictSigner(domain, verdict, "0x00")).to.equal(undefined);
  });

  it("refuses members that do not fit their type", () => {
    expect(() => bindingDigest(domain, { ...binding, nodeId: "0x01" })).to.throw(RangeError);
    expect(() => bindingDigest(domain, { ...binding, operator: word("02") })).to.throw(RangeError);
    expect(() => verdictDigest(domain, { ...verdict, platform: 256 })).to.throw(RangeError);
    expect(() => bindingDigest({ ...domain, verifyingContract: "0x" }, binding)).to.throw(RangeError);
    expect(() => reportDataOf(domain, binding, { blockNumber: -1n, blockHash: word("ab") })).to.throw(RangeError);
  });

  it("numbers platforms and statuses as docs/protocol.md section 1", () => {
    expect(platformCode("intel-tdx", false)).to.equal(2);
    expect(platformCode("intel-sgx", true)).to.equal(0x81);
    expect(platformCode("arm-cca", false)).to.equal(5);
    expect(platformCode("nvidia-gpu", false)).to.equal(undefined);
    expect(tcbStatusCode(undefined)).to.equal(0);
    expect(tcbStatusCode("UpToDate")).to.equal(1);
    expect(tcbStatusCode("Revoked")).to.equal(7);
    expect(tcbStatusCode("TDRelaunchAdvised")).to.equal(8);
  });
});
