import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { id } from "ethers";
import { globalOptions, network as hardhatNetwork } from "hardhat";
import { as, deploy, type Deployed } from "../support/deployed.ts";
import {
  bond,
  deployNetwork,
  enclaveKey,
  ENDPOINT,
  MEMBER_BOND,
  MIN_STAKE,
  submit,
  THAW,
  verdictFor,
  type Network,
} from "../support/protocol.ts";
import { signVerdict, type Signer } from "../support/verdicts.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();

/** Whole transactions (`isActive`: one cold call from a contract) under the rules of Osaka, less than one per cent above. */
const CEILINGS = {
  register: 134_000,
  verdictNew: 177_000,
  verdictRenewal: 114_000,
  verdictRotation: 160_000,
  verdictSecondRotation: 142_500,
  stakeFirst: 69_400,
  stakeMore: 52_200,
  requestUnbond: 29_400,
  withdraw: 61_300,
  exit: 36_300,
  slashFirst: 125_000,
  slash: 73_000,
  equivocation: 138_500,
  isActive: 31_300,
};

async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const receipt = await (await sent).wait();
  return Number(receipt?.gasUsed);
}

async function fixture() {
  return deployNetwork(ethers);
}

async function gasOfVerdict(network: Network, key: Signer): Promise<number> {
  return gasOf(submit(network, await verdictFor(network, key), key));
}

describe("gas of whole transactions", () => {
  const measured: Partial<Record<keyof typeof CEILINGS, number>> = {};

  before(async function measure() {
    if (globalOptions.coverage) this.skip();
    const network = await networkHelpers.loadFixture(fixture);
    const { operator, stake, registry, token, slasher, committee, committeeDomain, stranger, key, nodeId } = network;
    const ownRegistry = as(registry, operator);
    const ownStake = as(stake, operator);
    measured.register = await gasOf(ownRegistry.register(id("second"), ENDPOINT));
    measured.verdictNew = await gasOfVerdict(network, key);
    measured.verdictRenewal = await gasOfVerdict(network, key);
    measured.verdictRotation = await gasOfVerdict(network, enclaveKey("second"));
    measured.verdictSecondRotation = await gasOfVerdict(network, enclaveKey("third"));

    const reader = await deploy<Deployed<"ask">>(ethers, "ActiveReader");
    measured.isActive = Number((await reader.getFunction("ask").staticCall(registry, nodeId)).gas);

    await token.mint(stranger, 100_000n);
    await as(token, stranger).approve(stake, 100_000n);
    measured.stakeFirst = await gasOf(as(stake, stranger).deposit(MIN_STAKE));
    measured.stakeMore = await gasOf(as(stake, stranger).deposit(MIN_STAKE));
    measured.exit = await gasOf(ownRegistry.exit(nodeId));
    measured.requestUnbond = await gasOf(ownStake.requestUnbond(MIN_STAKE));
    await networkHelpers.time.increase(THAW);
    measured.withdraw = await gasOf(ownStake.withdraw());
    const slashing = as(stake, slasher);
    measured.slashFirst = await gasOf(slashing.slash(stranger, MIN_STAKE, slasher));
    measured.slash = await gasOf(slashing.slash(stranger, MIN_STAKE / 2n, slasher));

    const first = await verdictFor(network, key);
    const second = { ...first, tcbStatus: 2 };
    const [member] = network.members.slice(2);
    if (!member) throw new Error("no member");
    const [a] = await signVerdict(committeeDomain, first, [member]);
    const [b] = await signVerdict(committeeDomain, second, [member]);
    await bond(network, member.address, MEMBER_BOND);
    measured.equivocation = await gasOf(committee.reportEquivocation(first, second, a, b));
  });

  for (const name of Object.keys(CEILINGS) as (keyof typeof CEILINGS)[]) {
    it(`${name} stays below its ceiling`, () => {
      expect(measured[name]).to.be.at.most(CEILINGS[name]);
    });
  }
});
