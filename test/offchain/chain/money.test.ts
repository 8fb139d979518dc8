import { expect } from "chai";
import type { Settlement } from "../../../offchain/chain/packed.ts";
import type { Sender } from "../../../offchain/chain/sender.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import type { Receipt } from "../../../offchain/receipt/receipt.ts";
import type { Verdict } from "../../../offchain/verifier/verdict.ts";
import type { TestNetwork, TestNode } from "../../support/test-network.ts";
import { createSigningKey } from "#crypto";
import { readMembers, reportEquivocation, submitVerdict } from "../../../offchain/chain/committee.ts";
import {
  closeChannel,
  depositChannels,
  readChannel,
  readChannelThaw,
  readEarnings,
  reopenChannel,
  reportConflictingReceipts,
  settle,
  settleBatch,
  withdrawChannels,
  withdrawEarnings,
} from "../../../offchain/chain/escrow.ts";
import { revertName } from "../../../offchain/chain/failure.ts";
import { latestBlock } from "../../../offchain/chain/provider.ts";
import { readNode, recheckNode, setNodeEndpoint } from "../../../offchain/chain/registry.ts";
import { eventsOf, openSender } from "../../../offchain/chain/sender.ts";
import { readStake, requestUnbond, withdrawStake } from "../../../offchain/chain/stake.ts";
import { approve, mintTestTokens, readBalance } from "../../../offchain/chain/token.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { createEndorsementSource } from "../../../offchain/endorsements/source.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { signReceipt } from "../../../offchain/receipt/receipt.ts";
import { channelId, signVoucher } from "../../../offchain/receipt/voucher.ts";
import { judge, readAnchor } from "../../../offchain/relayer/judge.ts";
import { signVerdict } from "../../../offchain/verifier/verdict.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { startTestNetwork } from "../../support/test-network.ts";

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const HELD = 1000n;

describe("chain, where money moves", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  const payerKey = createSigningKey();
  let network: TestNetwork;
  let node: TestNode;
  let payer: Sender;
  let verdict: Verdict;

  before(async () => {
    network = await startTestNetwork(directory);
    node = await network.startNode("intel-sgx", 1);
    verdict = await attested();
    payer = await openSender(network.local.chain, { privateKey: toHex(payerKey) });
    await network.local.request("hardhat_setBalance", payer.address, "0x56bc75e2d63100000");
    await payer.send(mintTestTokens(network.contracts, payer.address, 2n * HELD));
    await payer.send(approve(network.contracts, "InferenceEscrow", 2n * HELD));
  });

  after(() => network.close());

  /** Brings the node's evidence on chain with the signatures of two members. */
  async function attested(): Promise<Verdict> {
    const { contracts, members } = network;
    const evidence = await node.refresh();
    const record = await readNode(contracts, node.nodeId);
    if (record === undefined) throw new Error("the node is not registered");
    const judgement = await judge(
      {
        contracts,
        trustRoots: [simulatedTrustRoot(network.vendor)],
        chains: new ChainVerifier(),
        endorsementsOf: (quote) =>
          createEndorsementSource({
            services: { ...VENDOR_SERVICES, pcs: network.pcs.url },
            fetch: fetchBytes,
          }).endorsementsFor(quote),
        now: Date.now,
      },
      {
        node: record,
        evidence,
        anchor: await readAnchor({ contracts }, evidence),
        head: await latestBlock(contracts.chain),
      },
    );
    if (!("verdict" in judgement)) throw new Error(JSON.stringify(judgement.refused));
    const chosen = [...members].sort((a, b) => (a.sender.address < b.sender.address ? -1 : 1)).slice(0, 2);
    const signatures = chosen.map(({ privateKey }) =>
      signVerdict(domain("VerifierCommittee"), judgement.verdict, privateKey),
    );
    await node.operator.send(submitVerdict(contracts, judgement.verdict, evidence.possession, signatures));
    return judgement.verdict;
  }

  const domain = (name: "VerifierCommittee" | "InferenceEscrow"): { chainId: bigint; verifyingContract: Hex } => ({
    chainId: network.contracts.chain.chainId,
    verifyingContract: network.contracts.addresses[name],
  });

  function settlement(sequence: bigint, amount: bigint, change: Partial<Receipt> = {}): Settlement {
    const channel = channelId(payer.address, node.nodeId);
    const shared = { channelId: channel, sequence, keyEpoch: 1, modelId: word("33"), requestCommitment: word("44") };
    const receipt: Receipt = {
      ...shared,
      amount,
      nodeId: node.nodeId,
      responseCommitment: word("55"),
      rawCommitment: word("00"),
      evidenceHash: verdict.evidenceHash,
      units: 1n,
      privacySpent: 0n,
      ...change,
    };
    return {
      payer: payer.address,
      voucherAmount: amount + 5n,
      voucherSignature: signVoucher(domain("InferenceEscrow"), { ...shared, amount: amount + 5n }, payerKey),
      receipt,
      receiptSignature: signReceipt(domain("InferenceEscrow"), receipt, node.signingKey()),
    };
  }

  it("opens a channel, settles a receipt and pays the operator", async () => {
    const { contracts } = network;
    await payer.send(depositChannels(contracts, [{ nodeId: node.nodeId, amount: HELD }]));
    const sent = await node.operator.send(settle(contracts, settlement(1n, 100n)));
    expect(eventsOf(contracts, sent).find(({ name }) => name === "Settled")?.args).to.deep.include({
      sequence: 1n,
      paid: 100n,
      units: 1n,
    });
    expect(await readChannel(contracts, payer.address, node.nodeId)).to.deep.equal({
      deposit: HELD,
      spent: 100n,
      withdrawableAt: 0,
      listCap: 0n,
    });
    expect(await readEarnings(contracts, node.operator.address)).to.equal(100n);
  });

  it("settles a batch and leaves out what does not hold", async () => {
    const { contracts } = network;
    const forged = { ...settlement(2n, 200n), receiptSignature: settlement(3n, 1n).receiptSignature };
    const other = settlement(5n, 260n, { evidenceHash: word("e2") });
    const sent = await node.operator.send(settleBatch(contracts, [forged, settlement(4n, 250n), other]));
    const events = eventsOf(contracts, sent).map(({ name, args }) => [name, args["paid"] ?? args["refusal"]]);
    expect(events).to.have.deep.members([
      ["SettlementRefused", 5],
      ["Settled", 150n],
      ["Settled", 10n],
    ]);
    const repeated = await node.operator.send(settle(contracts, settlement(4n, 250n))).catch((error: unknown) => error);
    expect(revertName(repeated)).to.equal("InferenceEscrowSettlementRefused");
  });

  it("pays out earnings, and the rest of the deposit after the thaw", async () => {
    const { contracts, local } = network;
    const before = await readBalance(contracts, node.operator.address);
    await node.operator.send(withdrawEarnings(contracts));
    expect(await readBalance(contracts, node.operator.address)).to.equal(before + 260n);
    await payer.send(closeChannel(contracts, node.nodeId));
    await payer.send(reopenChannel(contracts, node.nodeId));
    await payer.send(closeChannel(contracts, node.nodeId));
    await local.request("evm_increaseTime", await readChannelThaw(contracts));
    await local.request("evm_mine");
    await payer.send(withdrawChannels(contracts, [node.nodeId]));
    expect(await readBalance(contracts, payer.address)).to.equal(2n * HELD - 260n);
  });

  it("slashes a member for two verdicts about one piece of evidence", async () => {
    const { contracts, members } = network;
    const [liar] = members;
    if (liar === undefined) throw new Error("no member");
    const other = { ...verdict, expiresAt: verdict.expiresAt - 1 };
    const signed = [verdict, other].map((one) => ({
      verdict: one,
      signature: signVerdict(domain("VerifierCommittee"), one, liar.privateKey),
    })) as [Parameters<typeof reportEquivocation>[1], Parameters<typeof reportEquivocation>[2]];
    const before = await readStake(contracts, liar.sender.address);
    await payer.send(reportEquivocation(contracts, ...signed));
    expect((await readMembers(contracts)).map(({ account }) => account)).to.not.include(liar.sender.address);
    expect((await readStake(contracts, liar.sender.address)).bonded).to.be.lessThan(before.bonded);
  });

  it("does not revoke a node that policy still accepts, and moves one that asks for it", async () => {
    const { contracts } = network;
    const fault = await payer.send(recheckNode(contracts, node.nodeId)).catch((error: unknown) => error);
    expect(revertName(fault)).to.equal("NodeRegistryStillAcceptable");
    await node.operator.send(setNodeEndpoint(contracts, node.nodeId, "http://elsewhere"));
    expect((await readNode(contracts, node.nodeId))?.endpoint).to.equal("http://elsewhere");
  });

  it("slashes a node for two receipts about one sequence", async () => {
    const { contracts } = network;
    const [first, second] = [settlement(9n, 300n), settlement(9n, 300n, { responseCommitment: word("66") })].map(
      ({ receipt, receiptSignature }) => ({ receipt, signature: receiptSignature }),
    ) as [Parameters<typeof reportConflictingReceipts>[1], Parameters<typeof reportConflictingReceipts>[2]];
    await payer.send(reportConflictingReceipts(contracts, first, second));
    expect((await readNode(contracts, node.nodeId))?.status).to.equal("slashed");
  });

  it("pays stake out after its thaw", async () => {
    const { contracts, local, members } = network;
    const honest = members[1]?.sender;
    if (honest === undefined) throw new Error("no member");
    await honest.send(requestUnbond(contracts, 7n));
    const early = await honest.send(withdrawStake(contracts)).catch((error: unknown) => error);
    expect(revertName(early)).to.equal("NodeStakeStillThawing");
    await local.request("evm_increaseTime", 60);
    await local.request("evm_mine");
    await honest.send(withdrawStake(contracts));
    expect(await readBalance(contracts, honest.address)).to.equal(7n);
  });
});
