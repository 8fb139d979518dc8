import { createSigningKey, randomBytes } from "#crypto";
import { submitVerdict } from "../chain/committee.ts";
import { settle } from "../chain/escrow.ts";
import { exchange } from "../client/exchange.ts";
import type { ClientAnswer } from "../client/client.ts";
import { JsonFields } from "../encoding/fields.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ServiceError } from "../errors.ts";
import { fetchJson } from "../http/fetch.ts";
import { commitTensors } from "../receipt/commitment.ts";
import { decodeResponse, encodeRequest } from "../receipt/message.ts";
import { checkReceipt, signReceipt, type ExpectedReceipt } from "../receipt/receipt.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { sealRequest } from "../sealing/request.ts";
import { openResponse } from "../sealing/response.ts";
import { parseVerdict } from "../verifier/verdict-json.ts";
import type { Attack } from "./attacks.ts";
import type { Network } from "./network.ts";
import type { Played } from "./story.ts";

const LIMITS = { timeoutMs: 10_000, maxBytes: 256 << 10 };

/** Attacks on answers, vouchers and verdicts, against the running worker, the contracts and the client's own checks. */
export function paymentAttacks(network: Network, { answers, nodes }: Played): readonly Attack[] {
  const [answered] = answers;
  const [node] = nodes;
  if (answered === undefined || node === undefined) {
    throw new ServiceError("SERVICE_UNAVAILABLE", "there is no answer to attack");
  }
  const { answer } = answered;
  return [
    {
      id: "receipt-by-another-key",
      tries: "a receipt signed by a key that was not attested",
      refusedBy: "SIGNATURE_INVALID",
      attempt: async () => checkedWith(network, answer, { foreignKey: true }),
    },
    {
      id: "changed-answer",
      tries: "an answer that differs from what the receipt commits to",
      refusedBy: "OUTPUT_MISMATCH",
      attempt: async () => checkedWith(network, answer, { outputs: answer.outputs.map(changed) }),
    },
    {
      id: "changed-on-the-way",
      tries: "a sealed response with one byte changed on the way",
      refusedBy: "SEAL_INVALID",
      attempt: () => replayed(answer, { flipResponse: true }),
    },
    {
      id: "voucher-for-another-input",
      tries: "a voucher spent twice, for another input",
      refusedBy: "REQUEST_MISMATCH",
      attempt: () => replayed(answer, { flipResponse: false }),
    },
    {
      id: "voucher-settled-twice",
      tries: "a voucher and receipt settled a second time",
      refusedBy: "InferenceEscrowSettlementRefused",
      attempt: () => settledAgain(network, answer),
    },
    {
      id: "one-relayer-too-few",
      tries: "a verdict signed by one relayer of the two needed",
      refusedBy: "VerifierCommitteeTooFewSignatures",
      attempt: () => oneSignature(network, node.nodeId, answer.node.nodeEvidence.possession),
    },
  ];
}

async function checkedWith(
  network: Network,
  { answer, node, voucher, outputs }: ClientAnswer,
  lie: { readonly foreignKey?: true; readonly outputs?: readonly Tensor[] },
): Promise<string> {
  const escrow = escrowOf(network);
  const expected: ExpectedReceipt = {
    signingKey: node.nodeEvidence.binding.signingKey,
    nodeId: node.nodeId,
    voucher,
    requestCommitment: voucher.requestCommitment,
    responseCommitment: commitTensors(answer.responseSalt, lie.outputs ?? outputs),
    evidenceHash: node.evidenceHash,
  };
  const signature = lie.foreignKey ? signReceipt(escrow, answer.receipt, createSigningKey()) : answer.receiptSignature;
  checkReceipt(escrow, answer.receipt, signature, expected);
  return "ACCEPTED";
}

function changed(tensor: Tensor): Tensor {
  return { ...tensor, data: tensor.data.map((byte, index) => (index === 0 ? byte ^ 1 : byte)) };
}

/** Sends the voucher of an answer again, with other inputs, sealed to the same node. */
async function replayed(answer: ClientAnswer, { flipResponse }: { readonly flipResponse: boolean }): Promise<string> {
  const { node, voucher, voucherSignature } = answer;
  const inputs = (answer.evidenceFile.request.tensors ?? []).map(changed);
  const content = encodeRequest({
    modelId: voucher.modelId,
    requestSalt: randomBytes(32),
    voucher,
    voucherSignature,
    inputs,
  });
  const { sealed, context } = await sealRequest({
    sealingKey: parseHex(node.nodeEvidence.binding.sealingKey) ?? new Uint8Array(0),
    keyEpoch: node.keyEpoch,
    channelId: voucher.channelId,
    content,
  });
  const received = await exchange({ sealed, endpoint: node.endpoint }, LIMITS);
  const last = received.length - 1;
  const bytes = flipResponse ? received.map((byte, index) => (index === last ? byte ^ 1 : byte)) : received;
  const response = decodeResponse(await openResponse(context, bytes));
  return "error" in response ? response.error.code : "ACCEPTED";
}

async function settledAgain(
  network: Network,
  { answer, voucher, voucherSignature, evidenceFile }: ClientAnswer,
): Promise<string> {
  const sender = await network.sender(network.guardian);
  const { receipt, receiptSignature } = answer;
  const { payer } = evidenceFile;
  await sender.send(
    settle(network.contracts, { payer, voucherAmount: voucher.amount, voucherSignature, receipt, receiptSignature }),
  );
  return "ACCEPTED";
}

/** Takes one relayer's signed verdict from its public endpoint and submits it alone. */
async function oneSignature(network: Network, nodeId: Hex, possession: Hex): Promise<string> {
  const [relayer] = network.relayers;
  const { body } = await fetchJson(`${relayer?.url ?? ""}/v1/verdicts/${nodeId}`, LIMITS);
  const fields = new JsonFields(
    body,
    "verdict answer",
    (message) => new ServiceError("SERVICE_ANSWER_INVALID", message),
  );
  const signature = toHex(fields.hex("signature", { prefix: true, length: 65 }));
  const verdict = parseVerdict(fields.value("verdict"));
  const sender = await network.sender(network.guardian);
  await sender.send(submitVerdict(network.contracts, verdict, possession, [signature]));
  return "ACCEPTED";
}

function escrowOf({ contracts }: Network): EscrowDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.InferenceEscrow };
}
