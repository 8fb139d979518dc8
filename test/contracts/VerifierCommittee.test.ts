import { expect } from "chai";
import { network as hardhatNetwork } from "hardhat";
import { attest, deployNetwork } from "../support/protocol.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();

async function fixture() {
  return deployNetwork(ethers);
}

describe("VerifierCommittee", () => {
  it("records a verdict that enough members signed", async () => {
    const network = await networkHelpers.loadFixture(fixture);
    const verdict = await attest(network, network.key);
    expect(await network.registry.isActive(network.nodeId)).to.equal(true);
    expect(await network.registry.keyOwner(verdict.signingKey)).to.equal(network.nodeId);
  });
});
