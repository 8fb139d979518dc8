import { Interface, keccak256 } from "ethers";
import { artifacts } from "hardhat";
import { endorsementsFor, issueCollateral } from "../../offchain/device/simulated/intel/collateral.ts";
import type { PlatformFile } from "../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor, type SimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import { concat, parseHex, toHex, utf8, type Hex } from "../../offchain/encoding/bytes.ts";
import { contractQuote, contractStatements, type ContractQuote } from "../../offchain/evidence/dcap/contract-input.ts";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import { parsePem } from "../../offchain/x509/pem.ts";
import { party, word, type GasNetwork } from "./network.ts";
import type { Gas } from "./operations.ts";

type Names =
  | "dcapRootCrl"
  | "dcapPckCrl"
  | "dcapTcbInfo"
  | "dcapQeIdentity"
  | "dcapFirst"
  | "dcapCachePck"
  | "dcapWithPck"
  | "dcapCacheKey"
  | "dcapWithKey"
  | "dcapRecheck";

interface Contracts {
  readonly collateral: Hex;
  readonly verifier: Hex;
  readonly attester: Hex;
  readonly faces: Readonly<Record<"IntelCollateral" | "DcapVerifier" | "DirectAttester", Interface>>;
}

const P256_KEY = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
const NODE = word("direct node");

/** A SIMULATED TDX platform's quotes verified on chain and recorded in three slots by a small contract. */
export async function measureDcap(network: GasNetwork): Promise<Gas<Names>> {
  const now = network.now() * 1000;
  const vendor = createSimulatedVendor({ now, seed: new Uint8Array(32).fill(7) });
  const platform = provisionPlatform(vendor, { tee: "intel-tdx", now, name: "gas" });
  const contracts = await deployDcap(network, vendor);
  const upserts = await measureUpserts(network, contracts, { vendor, platform });
  return { ...upserts, ...(await measureQuotes(network, contracts, platform)) };
}

async function deployDcap(network: GasNetwork, vendor: SimulatedVendor): Promise<Contracts> {
  const root = Buffer.from(vendor.certificates.root.slice(2), "hex");
  const point = root.subarray(root.indexOf(P256_KEY) + P256_KEY.length);
  const key = [toHex(point.subarray(0, 32)), toHex(point.subarray(32, 64))];
  const collateral = await network.create("IntelCollateral", ["uint256", "uint256"], key);
  const verifier = await network.create("DcapVerifier", ["address"], [collateral]);
  const attester = await network.create("DirectAttester", ["address"], [verifier]);
  const face = async (name: string) => new Interface((await artifacts.readArtifact(name)).abi);
  const faces = {
    IntelCollateral: await face("IntelCollateral"),
    DcapVerifier: await face("DcapVerifier"),
    DirectAttester: await face("DirectAttester"),
  };
  return { collateral, verifier, attester, faces };
}

async function measureUpserts(
  network: GasNetwork,
  { collateral, faces }: Contracts,
  { vendor, platform }: { vendor: SimulatedVendor; platform: PlatformFile },
): Promise<Gas<"dcapRootCrl" | "dcapPckCrl" | "dcapTcbInfo" | "dcapQeIdentity">> {
  const endorsements = endorsementsFor(issueCollateral(vendor, { now: network.now() * 1000 }), platform);
  const { tcbInfo, qeIdentity } = contractStatements(endorsements);
  const { root, platform: authority } = vendor.certificates;
  const send = (name: string, ...values: readonly unknown[]): Promise<number> =>
    network.send(party("keeper"), { to: collateral, data: encoded(faces.IntelCollateral, name, values) });
  return {
    dcapRootCrl: await send("upsertRootCrl", root, endorsements.rootCaCrl),
    dcapPckCrl: await send("upsertPckCrl", authority, endorsements.pckCrl),
    dcapTcbInfo: await send("upsertTcbInfo", tcbInfo.signer, tcbInfo.document, tcbInfo.signature),
    dcapQeIdentity: await send("upsertQeIdentity", qeIdentity.signer, qeIdentity.document, qeIdentity.signature),
  };
}

async function measureQuotes(
  network: GasNetwork,
  { verifier, attester, faces }: Contracts,
  platform: PlatformFile,
): Promise<Gas<Exclude<Names, "dcapRootCrl" | "dcapPckCrl" | "dcapTcbInfo" | "dcapQeIdentity">>> {
  const [pckDer = new Uint8Array()] = parsePem(utf8(platform.pckChain), "CERTIFICATE");
  const pckId = keccak256(pckDer);
  const send = (name: string, ...values: readonly unknown[]): Promise<number> =>
    network.send(party("direct operator"), { to: attester, data: encoded(faces.DirectAttester, name, values) });
  const cache = (name: string, ...values: readonly unknown[]): Promise<number> =>
    network.send(party("direct operator"), { to: verifier, data: encoded(faces.DcapVerifier, name, values) });
  const first = await quoteOf(platform, 1);
  const keyId = keccak256(concat(parseHex(pckId) ?? new Uint8Array(), first.keyPreimage));
  return {
    dcapFirst: await send("attest", NODE, first.quote, first.pckCertificate),
    dcapCachePck: await cache("cachePck", first.pckCertificate),
    dcapWithPck: await send("attestWithPck", NODE, (await quoteOf(platform, 2)).quote, pckId),
    dcapCacheKey: await cache("cacheAttestationKey", first.quote, pckId),
    dcapWithKey: await send("attestWithKey", NODE, (await quoteOf(platform, 3)).signedQuote, keyId),
    dcapRecheck: await send("recheck", NODE, await factsOf(network, { verifier, faces }, first)),
  };
}

/** A quote whose report data no two quotes share, as a node's do. */
async function quoteOf(platform: PlatformFile, number: number): Promise<ContractQuote> {
  const measured = word("measured");
  const long = `${measured}${measured.slice(2, 34)}` as Hex;
  const zero: Hex = `0x${"00".repeat(48)}`;
  const registers = { mrtd: long, rtmr0: long, rtmr1: long, rtmr2: long, rtmr3: long };
  const unused = { mrconfigid: zero, mrowner: zero, mrownerconfig: zero };
  const measurements = { mrenclave: measured, mrsigner: measured, ...registers, ...unused };
  const reportData = concat(...["head", "tail"].map((part) => parseHex(word(`${part} ${number}`)) ?? new Uint8Array()));
  return contractQuote(parseQuote(await simulatedDevice(platform, measurements).quote(reportData)));
}

async function factsOf(
  network: GasNetwork,
  { verifier, faces }: Pick<Contracts, "verifier" | "faces">,
  { quote, pckCertificate }: ContractQuote,
): Promise<unknown> {
  const data = encoded(faces.DcapVerifier, "verify", [quote, pckCertificate]);
  const answer = await network.contracts.chain.provider.call({ to: verifier, data });
  const [claims] = faces.DcapVerifier.decodeFunctionResult("verify", answer);
  return (claims as { facts: unknown }).facts;
}

function encoded(face: Interface, name: string, values: readonly unknown[]): Hex {
  return face.encodeFunctionData(name, values) as Hex;
}
