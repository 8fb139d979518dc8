import { verifyEcdsa } from "#crypto";
import { equal, toHex } from "../../encoding/bytes.ts";
import { EndorsementError } from "../../errors.ts";
import type { RevocationList } from "../../x509/crl.ts";
import { importKey } from "../../x509/signature.ts";
import { checkValidity } from "../../x509/validity.ts";
import { asEndorsement, need, needEndorsement, type Found } from "../check-log.ts";
import type { TcbStatus } from "../scheme.ts";
import { DCAP_CHECKS } from "./checks.ts";
import type { DcapContext } from "./context.ts";
import {
  checkNotRevoked,
  dcapRules,
  verifyCrl,
  verifyCrlIssuer,
  verifyTcbSigner,
  type DcapChain,
  type DcapRules,
} from "./pck-chain.ts";
import type { PckExtension } from "./pck.ts";
import { matchQeIdentity, parseQeIdentity, type QeIdentity } from "./qe-identity.ts";
import type { Quote } from "./quote.ts";
import type { TdReport } from "./report.ts";
import type { SignedJson } from "./signed-json.ts";
import { parseTcbInfo, type IsvLevel, type TcbInfo } from "./tcb-info.ts";
import { convergeStatus, currentStatus, matchLevels, matchTdxModule, type StatusParts } from "./tcb.ts";

/** The collateral that holds; a part that was not given or does not hold is undefined. */
export interface VerifiedCollateral {
  readonly rootCrl: RevocationList | undefined;
  readonly pckCrl: RevocationList | undefined;
  readonly signers: readonly DcapChain[];
  readonly tcbInfo: TcbInfo | undefined;
  readonly qeIdentity: QeIdentity | undefined;
  /** Undefined where TCB info or QE identity is. */
  readonly tcb: EvaluatedTcb | undefined;
}

/** A platform's TCB as evaluated. */
export interface EvaluatedTcb {
  readonly status: TcbStatus;
  readonly parts: StatusParts;
  /** TDX 1.5: the status at launch, and now (undefined where no level fits). */
  readonly relaunch: { readonly launched: TcbStatus; readonly current: TcbStatus | undefined } | undefined;
}

/** What the collateral is checked with; undefined where an earlier check failed. */
export interface CollateralInput {
  readonly quote: Quote;
  readonly chain: DcapChain | undefined;
  readonly pck: PckExtension | undefined;
  readonly context: DcapContext;
}

interface Revocation {
  readonly rootCrl: RevocationList | undefined;
  readonly pckCrl: RevocationList | undefined;
}

interface Statements {
  readonly signers: readonly DcapChain[];
  readonly tcbInfo: TcbInfo | undefined;
  readonly qeIdentity: QeIdentity | undefined;
}

/** Verifies revocation lists, TCB info and QE identity, and evaluates the TCB; every outcome goes to the log. */
export async function verifyCollateral(input: CollateralInput): Promise<VerifiedCollateral> {
  const revocation = await verifyRevocation(input);
  const statements = await verifyStatements(input, revocation.rootCrl);
  return { ...revocation, ...statements, tcb: await evaluateTcb(input, statements) };
}

/** Collateral must be of the same root as the quote: a simulated vendor says nothing of a real platform. */
function rulesOf({ chain, context }: CollateralInput): DcapRules {
  return dcapRules([need(chain, "the PCK chain").root], context.now);
}

async function verifyRevocation(input: CollateralInput): Promise<Revocation> {
  const { chain, context } = input;
  const { log, endorsements, now, chains } = context;
  const rootCrl = await log.check(DCAP_CHECKS.rootCrl, async () => {
    const { rootCertificate } = need(chain, "the PCK chain");
    const bytes = needEndorsement(endorsements.rootCaCrl, "root CA CRL");
    const value = await asEndorsement("root CA CRL", () => verifyCrl(bytes, rootCertificate, chains, now));
    return { value, detail: `valid until ${iso(value.nextUpdate)}` };
  });
  await log.check(DCAP_CHECKS.pckCaRevocation, () => {
    const list = need(rootCrl, "the root CA CRL");
    return { value: true, detail: checkNotRevoked(list, need(chain, "the PCK chain").issuer) };
  });
  await log.check(DCAP_CHECKS.pckCrlIssuer, async () => {
    const pck = need(chain, "the PCK chain");
    const pem = endorsements.pckCrlIssuerChain;
    if (pem === undefined) return { value: true, detail: "none was given: the CRL is held against the PCK's own CA" };
    await asEndorsement("PCK CRL issuer chain", () => verifyCrlIssuer(pem, chains, rulesOf(input), pck));
    return { value: true, detail: "the CRL's issuer chain is the PCK's" };
  });
  const pckCrl = await log.check(DCAP_CHECKS.pckRevocation, async () => {
    const { issuer, leaf } = need(chain, "the PCK chain");
    const bytes = needEndorsement(endorsements.pckCrl, "PCK CRL");
    const value = await asEndorsement("PCK CRL", () => verifyCrl(bytes, issuer, chains, now));
    return { value, detail: `${checkNotRevoked(value, leaf)}, valid until ${iso(value.nextUpdate)}` };
  });
  return { rootCrl, pckCrl };
}

async function verifyStatements(input: CollateralInput, rootCrl: RevocationList | undefined): Promise<Statements> {
  const { log, endorsements, chains } = input.context;
  const tcbSigner = await log.check(DCAP_CHECKS.tcbSigner, async () => {
    const pem = needEndorsement(endorsements.tcbSigningChain, "TCB signing chain");
    const value = await verifySigner(input, pem, rootCrl);
    return { value, detail: `${value.leaf.subject.commonName ?? ""} under ${value.root.name}, not revoked` };
  });
  const tcbInfo = await log.check(DCAP_CHECKS.tcbInfo, async () => {
    const bytes = needEndorsement(endorsements.tcbInfo, "TCB info");
    const value = chains.memory.parsed("TCB info", bytes, parseTcbInfo);
    await verifySigned("TCB info", value, need(tcbSigner, "the TCB signing chain"), input.context);
    return { value, detail: `${value.id} version ${value.version}, valid until ${iso(value.nextUpdate)}` };
  });
  let identitySigner = tcbSigner;
  const qeIdentity = await log.check(DCAP_CHECKS.qeIdentity, async () => {
    const bytes = needEndorsement(endorsements.qeIdentity, "QE identity");
    const value = chains.memory.parsed("QE identity", bytes, parseQeIdentity);
    const ownChain = endorsements.qeIdentityIssuerChain;
    if (ownChain !== undefined) identitySigner = await verifySigner(input, ownChain, rootCrl);
    await verifySigned("QE identity", value, need(identitySigner, "the TCB signing chain"), input.context);
    return { value, detail: `${value.id}, valid until ${iso(value.nextUpdate)}` };
  });
  const signers = [tcbSigner, identitySigner].filter((signer) => signer !== undefined);
  return { signers, tcbInfo, qeIdentity };
}

function verifySigner(
  input: CollateralInput,
  pem: Uint8Array,
  rootCrl: RevocationList | undefined,
): Promise<DcapChain> {
  return asEndorsement("TCB signing chain", () =>
    verifyTcbSigner(pem, input.context.chains, rulesOf(input), need(rootCrl, "the root CA CRL")),
  );
}

async function verifySigned(
  what: string,
  statement: { readonly signed: SignedJson; readonly issueDate: number; readonly nextUpdate: number },
  signer: DcapChain,
  { chains, now }: DcapContext,
): Promise<void> {
  const { signed } = statement;
  const { publicKey } = signer.leaf;
  const verify = async () => verifyEcdsa("sha256", await importKey(publicKey), signed.signedPart, signed.signature);
  if (!(await chains.memory.holds(signed, publicKey, verify))) {
    throw new EndorsementError("ENDORSEMENT_INVALID", `the ${what}'s signature does not hold`);
  }
  await asEndorsement(what, () => {
    checkValidity("the statement", statement.issueDate, statement.nextUpdate, now);
  });
}

async function evaluateTcb(input: CollateralInput, statements: Statements): Promise<EvaluatedTcb | undefined> {
  const { quote, pck, context } = input;
  const { log } = context;
  const td = quote.body.kind === "td" ? quote.body : undefined;
  const info = await log.check(DCAP_CHECKS.tcbInfoMatch, () => {
    const value = need(statements.tcbInfo, "the TCB info");
    checkTcbInfoMatch(value, quote, need(pck, "the PCK extension"));
    return { value, detail: `TCB info is of this platform, evaluation ${value.evaluationDataNumber}` };
  });
  const quotingEnclave = await log.check(DCAP_CHECKS.qeIdentityMatch, () => {
    const identity = need(statements.qeIdentity, "the QE identity");
    checkQeIdentityKind(identity, quote);
    return described("quoting enclave", matchQeIdentity(identity, quote.certification.qeReport));
  });
  const tdxModule = td && (await log.check(DCAP_CHECKS.tdxModule, () => findModule(need(info, "the TCB info"), td)));
  return log.check(DCAP_CHECKS.tcbLevel, () => {
    const known = need(info, "the TCB info");
    const platform = need(pck, "the PCK extension");
    const module = td === undefined ? undefined : need(tdxModule, "the TDX module").level;
    const levels = matchLevels(known, platform, td);
    const parts = { levels, tdxModule: module, quotingEnclave: need(quotingEnclave, "the quoting enclave") };
    const value = statusOf(known, platform, parts, td);
    return { value, detail: `${value.status}; the platform's level is of ${levels.platform.date}` };
  });
}

function statusOf(info: TcbInfo, pck: PckExtension, parts: StatusParts, td: TdReport | undefined): EvaluatedTcb {
  const status = convergeStatus(info, parts, td);
  if (td?.current === undefined) return { status, parts, relaunch: undefined };
  const launched = convergeStatus(info, parts, undefined);
  return { status, parts, relaunch: { launched, current: currentStatus(info, pck, td, parts.quotingEnclave) } };
}

function findModule(info: TcbInfo, td: TdReport): Found<{ level: IsvLevel | undefined }> {
  const level = matchTdxModule(info, td);
  const detail = "the TDX module's signer and attributes are Intel's; it has no version";
  return { value: { level }, detail: level === undefined ? detail : described("TDX module", level).detail };
}

function described(what: string, level: IsvLevel): Found<IsvLevel> {
  return { value: level, detail: `the ${what} is ${level.status} (SVN level ${level.isvsvn} of ${level.date})` };
}

function checkTcbInfoMatch(info: TcbInfo, quote: Quote, pck: PckExtension): void {
  const id = quote.tee === "tdx" ? "TDX" : "SGX";
  if (info.id !== id) throw mismatch(`TCB info for ${info.id} does not fit a quote of ${id}`);
  if (!equal(info.fmspc, pck.fmspc)) throw mismatch(`TCB info is of FMSPC ${toHex(info.fmspc)}`);
  if (!equal(info.pceid, pck.pceid)) throw mismatch(`TCB info is of PCE-ID ${toHex(info.pceid)}`);
}

function checkQeIdentityKind(identity: QeIdentity, quote: Quote): void {
  const id = quote.tee === "tdx" ? "TD_QE" : "QE";
  if (identity.id !== id) throw mismatch(`QE identity ${identity.id} instead of ${id}`);
}

function mismatch(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
