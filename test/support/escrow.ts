import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Wallet } from "ethers";
import type { Deployed } from "./deployed.ts";

export type Escrow = Deployed<
  | "allowList"
  | "close"
  | "channel"
  | "channelId"
  | "deposit"
  | "depositWithPermit"
  | "earnings"
  | "listDigest"
  | "listSequence"
  | "receiptDigest"
  | "registry"
  | "reopen"
  | "reportConflictingReceipts"
  | "settle"
  | "settleBatch"
  | "settleList"
  | "settlePacked"
  | "thaw"
  | "token"
  | "voucherDigest"
  | "withdraw"
  | "withdrawEarnings"
  | "withdrawMany"
>;

export type ModelRegistry = Deployed<
  | "acceptOwnership"
  | "model"
  | "modelCount"
  | "models"
  | "offer"
  | "offers"
  | "register"
  | "registry"
  | "removeOffer"
  | "retire"
  | "setOffer"
  | "setPrice"
  | "transferOwnership"
>;

export type MockRegistry = Deployed<"setNode" | "setKey" | "dropKey" | "convict">;

const VOUCHER_TYPES = {
  Voucher: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "amount", type: "uint128" },
    { name: "keyEpoch", type: "uint32" },
    { name: "modelId", type: "bytes32" },
    { name: "requestCommitment", type: "bytes32" },
  ],
};

const RECEIPT_TYPES = {
  Receipt: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "amount", type: "uint128" },
    { name: "nodeId", type: "bytes32" },
    { name: "keyEpoch", type: "uint32" },
    { name: "modelId", type: "bytes32" },
    { name: "requestCommitment", type: "bytes32" },
    { name: "responseCommitment", type: "bytes32" },
    { name: "rawCommitment", type: "bytes32" },
    { name: "evidenceHash", type: "bytes32" },
    { name: "units", type: "uint64" },
    { name: "privacySpent", type: "uint64" },
  ],
};

export interface Service {
  readonly nodeId: string;
  readonly keyEpoch: bigint;
  readonly modelId: string;
  readonly evidenceHash: string;
}

export interface Terms {
  readonly payer: string;
  readonly sequence: bigint;
  readonly voucherAmount: bigint;
  readonly receiptAmount: bigint;
  readonly requestCommitment: string;
  readonly responseCommitment: string;
  readonly rawCommitment: string;
  readonly units: bigint;
  readonly privacySpent: bigint;
}

export interface Settlement extends Terms {
  readonly voucherSignature: string;
  readonly receiptSignature: string;
}

/** Whoever can sign typed data: a wallet or one of Hardhat's accounts. */
type Signer = Pick<Wallet | HardhatEthersSigner, "signTypedData">;

export interface Domain {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  readonly verifyingContract: string;
}

/** Makes and signs vouchers and receipts under one escrow's domain. */
export function signing(ethers: HardhatEthers, domain: Domain) {
  const channelId = (payer: string, nodeId: string): string =>
    ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(["address", "bytes32"], [payer, nodeId]));
  const voucher = (service: Service, terms: Terms) => ({
    channelId: channelId(terms.payer, service.nodeId),
    sequence: terms.sequence,
    amount: terms.voucherAmount,
    keyEpoch: service.keyEpoch,
    modelId: service.modelId,
    requestCommitment: terms.requestCommitment,
  });
  const receipt = (service: Service, terms: Terms) => ({
    ...terms,
    ...service,
    channelId: channelId(terms.payer, service.nodeId),
    amount: terms.receiptAmount,
  });
  return {
    domain,
    channelId,
    voucher,
    receipt,
    signVoucher: (signer: Signer, service: Service, terms: Terms): Promise<string> =>
      signer.signTypedData(domain, VOUCHER_TYPES, voucher(service, terms)),
    signReceipt: (signer: Signer, service: Service, terms: Terms): Promise<string> =>
      signer.signTypedData(domain, RECEIPT_TYPES, receipt(service, terms)),
  };
}

/** The terms of a first request for `amount`, with commitments that differ by `sequence`. */
export function terms(ethers: HardhatEthers, payer: string, amount: bigint, sequence = 1n): Terms {
  return {
    payer,
    sequence,
    voucherAmount: amount,
    receiptAmount: amount,
    requestCommitment: ethers.id(`request ${sequence}`),
    responseCommitment: ethers.id(`response ${sequence}`),
    rawCommitment: ethers.ZeroHash,
    units: 1n,
    privacySpent: 0n,
  };
}
