import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { deploy, type Deployed } from "../support/deployed.ts";
import { onChain, refusalOf } from "../support/dcap-chain.ts";
import { bringCollateral, openSimulatedDcap, quoteOf, type SimulatedDcap } from "../support/simulated-dcap.ts";

type DcapProof = Deployed<"prove" | "verifier">;

const CLAIMS = ["platform", "tcbStatus", "evaluationNumber", "workloadId", "platformId"] as const;

describe("DcapProof", () => {
  let dcap: SimulatedDcap;
  let proof: DcapProof;

  before(async () => {
    dcap = await openSimulatedDcap();
    await bringCollateral(dcap);
    proof = await deploy<DcapProof>(dcap.chain.ethers, "DcapProof", [await dcap.verifier.getAddress()]);
  });

  it("says what the verifier says of the quote as the node made it, with its report data", async () => {
    const { quote, pckChain } = await quoteOf(dcap.vendor, { tee: "intel-tdx" });
    const certificate = pckChain[0] ?? new Uint8Array();
    const claims = await dcap.verifier.verify.staticCall(quote, certificate);
    const proven = await proof.prove(quote, certificate);
    for (const name of [...CLAIMS, "reportDataHead", "reportDataTail"]) expect(proven[name]).to.equal(claims[name]);
  });

  it("passes on why the verifier refuses, and returns nothing", async () => {
    const { quote } = await quoteOf(dcap.vendor, { tee: "intel-tdx" });
    const { quote: small, pckCertificate } = onChain(quote);
    const broken = small.map((byte, index) => (index === 100 ? byte ^ 1 : byte));
    const refusal = await refusalOf(dcap.verifier.verify.staticCall(broken, pckCertificate));
    expect(refusal).to.be.a("string");
    expect(await refusalOf(proof.prove.staticCall(broken, pckCertificate))).to.be.a("string");
  });

  it("needs a verifier", async () => {
    await expect(deploy(dcap.chain.ethers, "DcapProof", [ZeroAddress])).to.be.revertedWithCustomError(
      proof,
      "DcapProofZeroAddress",
    );
  });
});
