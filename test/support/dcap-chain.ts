import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { NetworkHelpers } from "@nomicfoundation/hardhat-network-helpers/types";
import { Interface, type ContractTransactionResponse } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { toHex } from "../../offchain/encoding/bytes.ts";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";
import { contractQuote, contractStatements, type ContractQuote } from "../../offchain/evidence/dcap/contract-input.ts";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import { isPem, parsePem } from "../../offchain/x509/pem.ts";
import { deploy, type Deployed } from "./deployed.ts";

export type IntelCollateral = Deployed<
  | "authority"
  | "crlsValidUntil"
  | "isRevoked"
  | "qeIdentityValidUntil"
  | "rootX"
  | "simulated"
  | "tcbInfoValidUntil"
  | "tcbOf"
  | "upsertPckCrl"
  | "upsertQeIdentity"
  | "upsertRootCrl"
  | "upsertTcbInfo"
>;

export type DcapVerifier = Deployed<
  | "cacheAttestationKey"
  | "cachePck"
  | "collateral"
  | "isKeyCached"
  | "isPckCached"
  | "verify"
  | "verifyWithKey"
  | "verifyWithPck"
>;

export type DirectAttester = Deployed<"attest" | "attestWithKey" | "attestWithPck" | "recheck" | "records">;

/** A chain whose clock goes where it is told, also back. */
export interface DcapChain {
  readonly ethers: HardhatEthers;
  readonly networkHelpers: NetworkHelpers;
  /** Runs on the chain at a time, in seconds, and takes back everything that it did. */
  at<T>(seconds: number, run: () => Promise<T>): Promise<T>;
}

/** The contracts under one root. */
export interface DcapContracts {
  readonly collateral: IntelCollateral;
  readonly verifier: DcapVerifier;
  readonly attester: DirectAttester;
}

const START = "2022-01-01T00:00:00Z";
const P256_KEY = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");

/** Opens a chain for itself. */
export async function openDcapChain(): Promise<DcapChain> {
  const { ethers, networkHelpers } = await hardhatNetwork.create({
    network: "default",
    override: { initialDate: START, allowBlocksWithSameTimestamp: true },
  });
  return {
    ethers,
    networkHelpers,
    async at(seconds, run) {
      const snapshot = await networkHelpers.takeSnapshot();
      try {
        // The chain's clock goes on by itself, so that a time that was just told can have passed.
        if ((await networkHelpers.time.latest()) < seconds) await networkHelpers.time.increaseTo(seconds);
        return await run();
      } finally {
        await snapshot.restore();
      }
    },
  };
}

/** Deploys the contracts under the key of a root certificate, DER or PEM. */
export async function deployDcap({ ethers }: DcapChain, root: Uint8Array): Promise<DcapContracts> {
  const collateral = await deploy<IntelCollateral>(ethers, "IntelCollateral", [...keyOf(root)]);
  const verifier = await deploy<DcapVerifier>(ethers, "DcapVerifier", [await collateral.getAddress()]);
  const attester = await deploy<DirectAttester>(ethers, "DirectAttester", [await verifier.getAddress()]);
  return { collateral, verifier, attester };
}

/** The two coordinates of the P-256 key in a certificate. */
export function keyOf(certificate: Uint8Array): readonly [string, string] {
  const der = Buffer.from(derOf(certificate));
  const point = der.subarray(der.indexOf(P256_KEY) + P256_KEY.length);
  return [toHex(point.subarray(0, 32)), toHex(point.subarray(32, 64))];
}

/** Every call that brings a platform's collateral to the chain, in order; a part that cannot be read is empty. */
export function upserts(
  collateral: IntelCollateral,
  endorsements: DcapEndorsements,
  pckChain: readonly Uint8Array[] = [],
): readonly (() => Promise<ContractTransactionResponse>)[] {
  const given = certificates(endorsements.pckCrlIssuerChain);
  const authority = pckChain[1] ?? given[0] ?? new Uint8Array();
  const root = pckChain[2] ?? given[1] ?? new Uint8Array();
  const statement = (part: "tcbInfo" | "qeIdentity") => {
    const { signer, document, signature } = orElse(() => contractStatements(endorsements)[part], NO_STATEMENT);
    return [signer, document, signature] as const;
  };
  return [
    () => collateral.upsertRootCrl(root, derOf(endorsements.rootCaCrl)),
    () => collateral.upsertPckCrl(authority, derOf(endorsements.pckCrl)),
    () => collateral.upsertTcbInfo(...statement("tcbInfo")),
    () => collateral.upsertQeIdentity(...statement("qeIdentity")),
  ] as readonly (() => Promise<ContractTransactionResponse>)[];
}

/** Brings all collateral, or only what stands `from` on; throws what the first refused call throws. */
export async function upsertAll(
  collateral: IntelCollateral,
  endorsements: DcapEndorsements,
  pckChain: readonly Uint8Array[] = [],
  from = 0,
): Promise<void> {
  for (const call of upserts(collateral, endorsements, pckChain).slice(from)) await (await call()).wait();
}

/** A quote as the contract takes it. */
export function onChain(quote: Uint8Array, pckChain?: Uint8Array): ContractQuote {
  return contractQuote(parseQuote(quote), pckChain);
}

/** The DER certificates in PEM; none where it is no PEM. */
export function certificates(pem: Uint8Array | undefined): readonly Uint8Array[] {
  return pem === undefined ? [] : orElse(() => parsePem(pem, "CERTIFICATE"), []);
}

/** The name of the custom error that a promise was rejected with; undefined where it was not. */
export async function refusalOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return errorName(error);
  }
}

const ERRORS = Interface.from([
  "error DcapNoPrecompile()",
  "error DcapOutOfGas()",
  "error DcapMalformedDer(uint256)",
  "error DcapMalformedJson(uint256)",
  "error DcapRuleBroken(uint8)",
  "error DcapInvalidSignature(uint8)",
  "error DcapNotValid(uint8,uint256,uint256)",
  "error DcapRevoked(bytes32,uint256)",
  "error IntelCollateralNoRoot()",
  "error IntelCollateralNotNewer(uint256,uint256)",
  "error IntelCollateralSignatureLength(uint256)",
  "error IntelCollateralWrongPceId(uint256,uint256)",
  "error IntelCollateralWrongQuotingEnclave()",
  "error IntelCollateralWrongTdxModule(uint256)",
  "error IntelCollateralNoLevel()",
  "error DcapVerifierMalformedQuote()",
  "error DcapVerifierUnsupportedQuote()",
  "error DcapVerifierKeyNotBound()",
  "error DcapVerifierDebug(bytes16)",
  "error DcapVerifierReservedAttributes(bytes16)",
  "error DcapVerifierSeamAttributes(bytes8)",
  "error DcapVerifierNotMeasured()",
  "error DcapVerifierTcbRevoked()",
  "error DcapVerifierUnknownPck(bytes32)",
  "error DcapVerifierUnknownKey(bytes32)",
]);

/** The error's name and arguments as text; throws an error that is none of the contracts'. */
function errorName(error: unknown): string {
  const data = revertData(error);
  const parsed = data === undefined ? null : ERRORS.parseError(data);
  if (parsed === null) throw error;
  return `${parsed.name}(${parsed.args.map(String).join(",")})`;
}

function revertData(error: unknown): string | undefined {
  for (let current = error; typeof current === "object" && current !== null;) {
    const { data, cause, error: inner } = current as { data?: unknown; cause?: unknown; error?: unknown };
    if (typeof data === "string" && data.length >= 10) return data;
    current = cause ?? inner;
  }
  return undefined;
}

const NO_STATEMENT = { signer: new Uint8Array(), document: new Uint8Array(), signature: new Uint8Array() };

/** DER out of DER, PEM or hex. */
function derOf(bytes: Uint8Array = new Uint8Array()): Uint8Array {
  if (isPem(bytes))
    return /CRL/.test(Buffer.from(bytes).toString("latin1")) ? pem(bytes, "X509 CRL") : pem(bytes, "CERTIFICATE");
  const text = Buffer.from(bytes).toString("latin1").trim();
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : bytes;
}

function pem(bytes: Uint8Array, label: string): Uint8Array {
  return orElse(() => parsePem(bytes, label)[0] ?? bytes, bytes);
}

function orElse<T>(make: () => T, otherwise: T): T {
  try {
    return make();
  } catch {
    return otherwise;
  }
}

/** The name of the TCB status in claims. */
export function tcbStatusOf(claims: { readonly tcbStatus: bigint }): string {
  const name = STATUS_NAMES[Number(claims.tcbStatus)];
  if (name === undefined) throw new Error(`status ${claims.tcbStatus}`);
  return name;
}

/** By the numbers of docs/protocol.md section 1. */
const STATUS_NAMES: readonly string[] = [
  "none",
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
];
