import { expect } from "chai";
import { createSigningKey } from "#crypto";
import {
  closeChannel,
  depositChannels,
  readChannel,
  readEarnings,
  withdrawChannels,
} from "../../../offchain/chain/escrow.ts";
import type { Sender } from "../../../offchain/chain/sender.ts";
import { approve, mintTestTokens } from "../../../offchain/chain/token.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import { ChainError } from "../../../offchain/errors.ts";
import { signReceipt, type Receipt } from "../../../offchain/receipt/receipt.ts";
import { channelId, signVoucher, type Voucher } from "../../../offchain/receipt/voucher.ts";
import { openStore, type Store } from "../../../offchain/store/store.ts";
import { VOUCHER_MIGRATIONS, vouchers, type Vouchers } from "../../../offchain/store/vouchers.ts";
import { createEnclaveKeys, type EnclaveKeys } from "../../../offchain/worker/keys.ts";
import { settleOnce, type Settled } from "../../../offchain/worker/settle.ts";
import { attestNode, type AttestedNode } from "../../support/attested-node.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { word } from "../../support/receipts.ts";
import { fundedSender, startTestNetwork, type TestNetwork } from "../../support/test-network.ts";

interface Payer {
  readonly key: Uint8Array;
  readonly sender: Sender;
  readonly channel: Hex;
}

const DEPOSIT = 1_000_000n;
const NOT_SEEN = word(0);

describe("settleOnce", function () {
  this.timeout(120_000);

  const directory = temporaryDirectory();
  let network: TestNetwork;
  let keys: EnclaveKeys;
  let node: AttestedNode;
  let store: Store;
  let book: Vouchers;
  let refused: Hex[];

  before(async () => {
    network = await startTestNetwork(directory);
    keys = await createEnclaveKeys();
    node = await attestNode(network, { keys, endpoint: "http://127.0.0.1:1" });
    store = await openStore({ memory: true }, VOUCHER_MIGRATIONS);
    book = vouchers(store);
  });
  beforeEach(async () => {
    refused = [];
    await store.query("DELETE FROM vouchers");
  });
  after(async () => {
    await store.close();
    await network.close();
  });

  const settled = (sender: Sender = node.operator): Promise<Settled | undefined> => {
    const { contracts } = network;
    const onRefused = (channel: Hex): number => refused.push(channel);
    return settleOnce({ contracts, sender, nodeId: node.nodeId, vouchers: book, onRefused });
  };
  const spent = async ({ sender }: Payer): Promise<bigint> =>
    (await readChannel(network.contracts, sender.address, node.nodeId)).spent;
  const settledBy = async ({ channel }: Payer, sequence: bigint): Promise<Hex | null | undefined> =>
    (await book.get(channel, sequence))?.settledBy;

  /** A new payer with an open channel. */
  async function payer(): Promise<Payer> {
    const { contracts, local } = network;
    const key = createSigningKey();
    const sender = await fundedSender(local, contracts, key);
    await sender.send(mintTestTokens(contracts, sender.address, DEPOSIT));
    await sender.send(approve(contracts, "InferenceEscrow", DEPOSIT));
    await sender.send(depositChannels(contracts, [{ nodeId: node.nodeId, amount: DEPOSIT }]));
    return { key, sender, channel: channelId(sender.address, node.nodeId) };
  }

  /** Puts an exchange on the worker's store; the receipt takes all that the voucher promises. */
  async function answered(from: Payer, sequence: bigint, amount: bigint, change: Partial<Receipt> = {}): Promise<void> {
    const { contracts } = network;
    const escrow = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.InferenceEscrow };
    const voucher: Voucher = {
      channelId: from.channel,
      sequence,
      amount,
      keyEpoch: 1,
      modelId: word(0xa1),
      requestCommitment: word(Number(sequence)),
    };
    const receipt: Receipt = {
      ...voucher,
      nodeId: node.nodeId,
      responseCommitment: word(0xc3),
      rawCommitment: word(0),
      evidenceHash: word(0xe4),
      units: 1n,
      privacySpent: 0n,
      ...change,
    };
    await book.put({
      payer: from.sender.address,
      voucher: { ...voucher, keyEpoch: receipt.keyEpoch },
      voucherSignature: signVoucher(escrow, { ...voucher, keyEpoch: receipt.keyEpoch }, from.key),
      receipt,
      receiptSignature: signReceipt(escrow, receipt, keys.signingKey),
      sealedResponse: new Uint8Array(1),
      requestHash: word(Number(sequence)),
    });
  }

  it("pays the latest exchange of every channel in one transaction, and records it for all before", async () => {
    const before = await readEarnings(network.contracts, node.operator.address);
    const [first, second] = [await payer(), await payer()];
    await answered(first, 1n, 100n);
    await answered(first, 2n, 250n);
    await answered(second, 1n, 7n, { evidenceHash: word(0xe5) });
    const done = await settled();
    expect(done).to.deep.include({ channels: 2 });
    expect([await spent(first), await spent(second)]).to.deep.equal([250n, 7n]);
    expect(await readEarnings(network.contracts, node.operator.address)).to.equal(before + 257n);
    expect([await settledBy(first, 1n), await settledBy(first, 2n), await settledBy(second, 1n)]).to.deep.equal(
      Array(3).fill(done?.transaction),
    );
  });

  it("sends nothing where nothing is owed, and only the difference where more is", async () => {
    const from = await payer();
    await answered(from, 1n, 100n);
    await settled();
    const nonce = await node.operator.nextNonce();
    expect(await settled()).to.equal(undefined);
    expect(await node.operator.nextNonce()).to.equal(nonce);
    await answered(from, 2n, 130n);
    await settled();
    expect(await spent(from)).to.equal(130n);
  });

  it("pays nothing twice after a transaction whose outcome a crash hid", async () => {
    const from = await payer();
    await answered(from, 1n, 100n);
    const forgetful: Sender = {
      ...node.operator,
      send: async (call) => {
        await node.operator.send(call);
        throw new ChainError("RPC_UNAVAILABLE", "the answer was lost");
      },
    };
    await expectRefusal("RPC_UNAVAILABLE", () => settled(forgetful));
    expect(await settledBy(from, 1n)).to.equal(null);
    const nonce = await node.operator.nextNonce();
    expect(await settled()).to.equal(undefined);
    expect([await node.operator.nextNonce(), await spent(from)]).to.deep.equal([nonce, 100n]);
    expect(await settledBy(from, 1n)).to.equal(NOT_SEEN);
  });

  it("keeps what is owed for the next round where the transaction was not sent", async () => {
    const from = await payer();
    await answered(from, 1n, 100n);
    const penniless: Sender = {
      ...node.operator,
      send: () => Promise.reject(new ChainError("TX_UNDERPRICED", "no native currency")),
    };
    await expectRefusal("TX_UNDERPRICED", () => settled(penniless));
    expect((await settled())?.channels).to.equal(1);
    expect(await spent(from)).to.equal(100n);
  });

  describe("what the escrow would refuse", () => {
    it("is told, costs no gas, and does not hold up the others", async () => {
      const [forgotten, good] = [await payer(), await payer()];
      await answered(forgotten, 1n, 100n, { keyEpoch: 9 });
      await answered(good, 1n, 50n);
      expect((await settled())?.channels).to.equal(1);
      expect([await spent(forgotten), await spent(good)]).to.deep.equal([0n, 50n]);
      expect(refused).to.deep.equal([forgotten.channel]);
      const nonce = await node.operator.nextNonce();
      expect(await settled()).to.equal(undefined);
      expect(await node.operator.nextNonce()).to.equal(nonce);
      expect(await settledBy(forgotten, 1n)).to.equal(null);
    });

    it("stays owed: a channel whose payer took the rest and comes back is paid", async () => {
      const { contracts, local } = network;
      const from = await payer();
      await answered(from, 1n, 100n);
      await from.sender.send(closeChannel(contracts, node.nodeId));
      await local.request("evm_increaseTime", 60);
      await local.request("evm_mine");
      await from.sender.send(withdrawChannels(contracts, [node.nodeId]));
      expect([await settled(), refused]).to.deep.equal([undefined, [from.channel]]);
      await from.sender.send(approve(contracts, "InferenceEscrow", DEPOSIT));
      await from.sender.send(depositChannels(contracts, [{ nodeId: node.nodeId, amount: DEPOSIT }]));
      expect((await settled())?.channels).to.equal(1);
      expect(await spent(from)).to.equal(100n);
    });
  });
});
