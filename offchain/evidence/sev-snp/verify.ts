import { verifyEcdsa } from "#crypto";
import { concat, equal, isZero } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import type { RevocationList } from "../../x509/crl.ts";
import { importKey } from "../../x509/signature.ts";
import { need, type CheckLog } from "../check-log.ts";
import type { Verified } from "../scheme.ts";
import { checkNames, verifyCrl, verifyVekChain, type SevSnpChain } from "./chain.ts";
import { SEV_SNP_CHECKS } from "./checks.ts";
import type { SevSnpContext } from "./context.ts";
import { partAbove, productOf, readTcb, TCB_PARTS, tcbText, type TcbVersion } from "./product.ts";
import type { FirmwareVersion, Report } from "./report.ts";
import { readVekExtensions, type VekExtensions } from "./vek.ts";

/** The four TCB versions of a report. */
export interface ReportTcbs {
  readonly current: TcbVersion;
  readonly committed: TcbVersion;
  readonly reported: TcbVersion;
  readonly launch: TcbVersion;
}

/** A report with everything that its verification found. */
export interface SevSnpEvidence {
  readonly report: Report;
  readonly chain: SevSnpChain;
  readonly vek: VekExtensions;
  readonly tcbs: ReportTcbs;
  /** 64 bytes of CHIP_ID, or of the VCEK's hardware id where the report masks it; undefined where neither says it. */
  readonly chipId: Uint8Array | undefined;
  /** Undefined where no list was given. */
  readonly crl: RevocationList | undefined;
}

const SMT_ENABLED = 1n;
const CHIP_ID_LENGTH = 64;

/**
 * Verifies a report: VEK chain and extensions, revocation where a list is given, signature, and that the report and its
 * endorsement speak of the same processor, chip and TCB.
 * Throws the first failure, `EvidenceError` or `EndorsementError`, after every check that could be made is in the log.
 * @see AMD publication 56860, attestation
 */
export async function verifyReport(report: Report, context: SevSnpContext): Promise<Verified<SevSnpEvidence>> {
  const { log } = context;
  const chain = await log.check(SEV_SNP_CHECKS.vekChain, async () => {
    const value = await verifyVekChain(context);
    return { value, detail: `issued by ${value.issuer.subject.commonName ?? ""} under ${value.root.name}` };
  });
  const vek = await log.check(SEV_SNP_CHECKS.vekExtensions, () => {
    const found = need(chain, "the VEK chain");
    const value = readVekExtensions(found.leaf);
    checkNames(found, report.signingKey, value.product);
    return { value, detail: `${report.signingKey} of ${value.productName}, ${tcbText(value.tcb)}` };
  });
  const crl = await checkCrl(chain, context);
  await log.check(SEV_SNP_CHECKS.reportSignature, async () => {
    const key = await importKey(need(chain, "the VEK chain").leaf.publicKey);
    if (!(await verifyEcdsa("sha384", key, report.signedPart, report.signature))) {
      throw new EvidenceError("SIGNATURE_INVALID", "the report's signature does not hold");
    }
    return { value: true, detail: `the ${report.signingKey} signed the report` };
  });
  const match = await checkMatch(report, vek, log);
  log.conclude();
  return verified({ report, chain, vek, ...match, crl });
}

/** Without a chain there is no evidence, whatever else holds. */
function verified(found: { readonly [Name in keyof SevSnpEvidence]: SevSnpEvidence[Name] | undefined }) {
  const { report, chain, vek, tcbs, chipId, crl } = found;
  if (report === undefined || chain === undefined || vek === undefined || tcbs === undefined) {
    throw new EvidenceError("CHAIN_UNTRUSTED", "no verified VEK chain");
  }
  const evidence: SevSnpEvidence = { report, chain, vek, tcbs, chipId, crl };
  return evidence as Verified<SevSnpEvidence>;
}

async function checkCrl(chain: SevSnpChain | undefined, context: SevSnpContext): Promise<RevocationList | undefined> {
  const { endorsements, log } = context;
  const { crl } = endorsements;
  if (crl === undefined) {
    log.warnOf(SEV_SNP_CHECKS.crl, "no revocation list was given");
    return undefined;
  }
  return log.check(SEV_SNP_CHECKS.crl, async () => {
    const value = await verifyCrl(crl, need(chain, "the VEK chain"), context);
    return { value, detail: `none of the chain is among ${value.revoked.size} revoked` };
  });
}

/** Holds the report against its endorsement and against itself. */
async function checkMatch(
  report: Report,
  vek: VekExtensions | undefined,
  log: CheckLog,
): Promise<{ tcbs: ReportTcbs | undefined; chipId: Uint8Array | undefined }> {
  await log.check(SEV_SNP_CHECKS.product, () => {
    const { product } = need(vek, "the VEK");
    return { value: true, detail: checkProduct(report, product) };
  });
  const tcbs = await log.check(SEV_SNP_CHECKS.reportedTcb, () => {
    const value = readTcbs(report, need(vek, "the VEK"));
    return { value, detail: `reported ${tcbText(value.reported)}, as the ${report.signingKey} says` };
  });
  const chip = await log.check(SEV_SNP_CHECKS.chipId, () => findChip(report, need(vek, "the VEK")));
  await log.check(SEV_SNP_CHECKS.tcbOrder, () => {
    checkOrder(report, need(tcbs, "the reported TCB"));
    return { value: true, detail: "reported, committed and current TCB are in this order" };
  });
  await log.check(SEV_SNP_CHECKS.guestPolicy, () => ({ value: true, detail: checkPolicy(report) }));
  return { tcbs, chipId: chip?.id };
}

function checkProduct({ cpuid, version }: Report, product: string): string {
  if (cpuid === undefined) return `reports of version ${version} name no processor; the VEK is of ${product}`;
  const found = productOf(cpuid);
  if (found === product) return `family ${cpuid.family}, model ${cpuid.model}: ${product}`;
  throw mismatch(`family ${cpuid.family}, model ${cpuid.model} is ${found ?? "unknown"}, the VEK is of ${product}`);
}

function readTcbs(report: Report, vek: VekExtensions): ReportTcbs {
  const read = (bytes: Uint8Array): TcbVersion => readTcb(bytes, vek.product);
  const reported = read(report.reportedTcb);
  const differs = TCB_PARTS.find((part) => reported[part] !== vek.tcb[part]);
  if (differs !== undefined) {
    throw mismatch(`${differs} is ${reported[differs] ?? "none"}, the VEK is for ${vek.tcb[differs] ?? "none"}`);
  }
  const [current, committed, launch] = [report.currentTcb, report.committedTcb, report.launchTcb].map(read);
  return { reported, current: current ?? reported, committed: committed ?? reported, launch: launch ?? reported };
}

function findChip(report: Report, { hwid }: VekExtensions): { detail: string; value: { id: Uint8Array | undefined } } {
  const { chipId, signingKey } = report;
  const masked = isZero(chipId);
  if (signingKey === "VLEK") {
    if (hwid !== undefined) throw mismatch("a VLEK is of no single chip");
    const detail = masked ? "the chip's id is masked" : "a VLEK names no chip: the id is the report's alone";
    return { detail, value: { id: masked ? undefined : chipId } };
  }
  if (hwid === undefined) throw mismatch("the VCEK names no chip");
  const endorsed = concat(hwid, new Uint8Array(CHIP_ID_LENGTH - hwid.length));
  if (!masked && !equal(endorsed, chipId)) throw mismatch("the report is of another chip than the VCEK");
  const detail = masked ? "the chip's id is masked; the VCEK names it" : "the report is of the VCEK's chip";
  return { detail, value: { id: endorsed } };
}

function checkOrder({ current, committed }: Report, tcbs: ReportTcbs): void {
  const raised = partAbove(tcbs.reported, tcbs.committed);
  if (raised !== undefined) throw mismatch(`the reported TCB is above the committed one in ${raised}`);
  const uncommitted = partAbove(tcbs.committed, tcbs.current);
  if (uncommitted !== undefined) throw mismatch(`the committed TCB is above the current one in ${uncommitted}`);
  if (order(committed) > order(current)) throw mismatch("the committed firmware is newer than the current one");
}

function order({ major, minor, build }: FirmwareVersion): number {
  return (major * 256 + minor) * 256 + build;
}

/** The firmware refuses to run a guest against its policy, so a report that says so is not its own. */
function checkPolicy({ policy, current, platformInfo }: Report): string {
  const { abiMajor, abiMinor } = policy;
  if (abiMajor * 256 + abiMinor > current.major * 256 + current.minor) {
    throw mismatch(
      `the policy asks for ABI ${abiMajor}.${abiMinor}, the firmware is ${current.major}.${current.minor}`,
    );
  }
  if ((platformInfo & SMT_ENABLED) !== 0n && !policy.smt) {
    throw mismatch("multithreading is on, which the policy does not allow");
  }
  return `policy 0x${policy.value.toString(16)}, platform information 0x${platformInfo.toString(16)}`;
}

function mismatch(message: string): EvidenceError {
  return new EvidenceError("BINDING_MISMATCH", message);
}
