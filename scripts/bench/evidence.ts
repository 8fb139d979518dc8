import { QuoteVerifier, type Collateral } from "@phala/dcap-qvl";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";
import type { Figure } from "../figures/report.ts";
import type { Case, Run } from "./clock.ts";
import { DEFAULT_POLICY } from "../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../offchain/x509/chain.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { cpuTimes } from "./clock.ts";
import { benchFamilies } from "./families.ts";
import { benchRelayer } from "./relayer.ts";
import { loadSubjects, type Subject } from "./subjects.ts";

const PEER = "@phala/dcap-qvl 0.3.9, all of it each time";
const BUDGET_MS = 45_000;

/** The states of EVIDENCE: what of a verification was seen before, and the most milliseconds that are left to it. */
const STATES = [
  { name: "nothing remembered", chainsOf: freshChains, target: (peer: number) => peer },
  {
    name: "new platform, the rest remembered",
    chainsOf: chainsOfAnother,
    target: (peer: number) => Math.min(1.8, peer / 4),
  },
  { name: "known platform renews", chainsOf: chainsOfSame, target: () => 0.4 },
] as const;

/** Verification of every family in states of memory, of DCAP beside a peer's full one, and a relayer's work for a node. */
export async function benchEvidence(notice: (text: string) => void): Promise<readonly Figure[]> {
  return [...(await benchDcap(notice)), ...(await benchFamilies(notice)), ...(await benchRelayer())];
}

/** Our verification of DCAP evidence in three states of memory beside a peer's full one: CPU milliseconds each. */
async function benchDcap(notice: (text: string) => void): Promise<readonly Figure[]> {
  const { real, subjects } = await loadSubjects();
  if (!real) notice("no shared vectors (CLOISTER_VECTORS): simulated evidence is measured instead\n");
  const cases: Case[] = [];
  for (const subject of subjects) {
    cases.push(peerCase(subject));
    for (const { name, chainsOf } of STATES) cases.push(await ownCase(subject, name, chainsOf));
  }
  const times = await cpuTimes(cases, BUDGET_MS);
  return subjects.flatMap(({ name }) => figuresOf(name, times));
}

function figuresOf(subject: string, times: ReadonlyMap<string, number>): readonly Figure[] {
  const timeOf = (name: string): number => roundTo(times.get(`${subject}, ${name}`) ?? Number.NaN, 3);
  const peer = { name: PEER, value: timeOf("peer") };
  const known = timeOf("known platform renews");
  return [
    ...STATES.map(({ name, target }) =>
      figureOf(
        { what: `${subject}, ${name}`, value: timeOf(name), unit: "ms CPU" },
        { peer, target: roundTo(target(peer.value), 3) },
      ),
    ),
    figureOf({ what: `${subject}, renewals a second and core`, value: Math.round(1000 / known), unit: "1/s" }),
  ];
}

type ChainsOf = (subject: Subject) => Promise<() => ChainVerifier | Promise<ChainVerifier>>;

async function ownCase(subject: Subject, state: string, chainsOf: ChainsOf): Promise<Case> {
  const { verdict, failures } = await verify(subject, subject.quote, new ChainVerifier());
  if (verdict !== "affirming" && verdict !== "warning") {
    throw new Error(`${subject.name} does not verify: ${failures.map(({ detail }) => detail).join("; ")}`);
  }
  const make = await chainsOf(subject);
  const prepare = async (): Promise<Run> => {
    const chains = await make();
    return () => verify(subject, subject.quote, chains);
  };
  return { name: `${subject.name}, ${state}`, prepare };
}

function verify({ endorsements, trustRoot, now }: Subject, quote: Uint8Array, chains: ChainVerifier) {
  const policy = { ...DEFAULT_POLICY, allowSimulated: true };
  return verifyEvidence(quote, { endorsements: { dcap: endorsements }, trustRoots: [trustRoot], now, policy, chains });
}

async function freshChains(): Promise<() => ChainVerifier> {
  return () => new ChainVerifier();
}

/** Everything was seen with another platform, so only what is the platform's own is new. */
async function chainsOfAnother(subject: Subject): Promise<() => Promise<ChainVerifier>> {
  return async () => {
    const chains = new ChainVerifier();
    await verify(subject, subject.otherQuote, chains);
    return chains;
  };
}

async function chainsOfSame(): Promise<() => ChainVerifier> {
  const chains = new ChainVerifier();
  return () => chains;
}

function peerCase({ name, quote, endorsements, rootCertificate, now }: Subject): Case {
  const verifier =
    rootCertificate === undefined ? QuoteVerifier.newProd() : new QuoteVerifier(Buffer.from(rootCertificate));
  const collateral = peerCollateral(endorsements);
  return { name: `${name}, peer`, prepare: () => () => verifier.verify(quote, collateral, now / 1000) };
}

/** Endorsements in the peer's form. */
function peerCollateral(given: DcapEndorsements): Collateral {
  const text = (bytes: Uint8Array = new Uint8Array(0)): string => new TextDecoder().decode(bytes);
  const hex = (bytes: Uint8Array = new Uint8Array(0)): string => Buffer.from(bytes).toString("hex");
  const [tcbInfo, tcbInfoSignature] = signedParts(text(given.tcbInfo), "tcbInfo");
  const [qeIdentity, qeIdentitySignature] = signedParts(text(given.qeIdentity), "enclaveIdentity");
  return {
    tcb_info: tcbInfo,
    tcb_info_signature: tcbInfoSignature,
    tcb_info_issuer_chain: text(given.tcbSigningChain),
    qe_identity: qeIdentity,
    qe_identity_signature: qeIdentitySignature,
    qe_identity_issuer_chain: text(given.qeIdentityIssuerChain ?? given.tcbSigningChain),
    pck_crl: hex(given.pckCrl),
    pck_crl_issuer_chain: text(given.pckCrlIssuerChain),
    root_ca_crl: hex(given.rootCaCrl),
  };
}

function signedParts(text: string, member: string): readonly [document: string, signature: string] {
  const pattern = new RegExp(
    `^\\s*\\{\\s*"${member}"\\s*:\\s*(\\{.*\\})\\s*,\\s*"signature"\\s*:\\s*"([0-9a-fA-F]+)"\\s*\\}\\s*$`,
    "s",
  );
  const [, document, signature] = pattern.exec(text) ?? [];
  if (document === undefined || signature === undefined) throw new Error(`no signed ${member}`);
  return [document, signature];
}
