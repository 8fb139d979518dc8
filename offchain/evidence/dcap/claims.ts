import { keccak256 } from "#crypto";
import { isZero, toHex } from "../../encoding/bytes.ts";
import type { Claims, Verified } from "../scheme.ts";
import type { EvaluatedTcb } from "./collateral.ts";
import { pckCaOf } from "./pck-chain.ts";
import type { SgxReport, TdReport } from "./report.ts";
import type { IsvLevel } from "./tcb-info.ts";
import type { DcapEvidence } from "./verify.ts";

type Details = Claims["details"];

const SGX_DEBUG = 0x02;
const TD_DEBUG = 0x01;

/**
 * The facts of a verified quote in the words of every family.
 * @see docs/protocol.md section 1 for the workload and platform ids
 */
export function dcapClaims(evidence: Verified<DcapEvidence>): Claims {
  const { quote, chain, pck } = evidence;
  const { body } = quote;
  const tcb = tcbClaims(evidence);
  const endorsedAt = issuedAt(evidence);
  return {
    platform: body.kind === "sgx" ? "intel-sgx" : "intel-tdx",
    simulated: chain.root.simulated,
    root: { name: chain.root.name, spkiSha256: chain.root.spkiSha256 },
    measurements: body.kind === "sgx" ? sgxMeasurements(body) : tdMeasurements(body),
    workloadId:
      body.kind === "sgx"
        ? hex(keccak256(Uint8Array.of(1), body.mrenclave))
        : hex(keccak256(Uint8Array.of(2), body.workload)),
    reportData: hex(body.reportData),
    debug: isDebug(body),
    ...(tcb === undefined ? {} : { tcb }),
    platformId: hex(keccak256(pck.ppid)),
    evidenceHash: hex(keccak256(quote.bytes)),
    validUntil: validUntil(evidence),
    ...(endorsedAt === undefined ? {} : { endorsedAt }),
    details: { ...commonDetails(evidence), ...(body.kind === "sgx" ? sgxDetails(body) : tdDetails(body)) },
  };
}

function isDebug(body: SgxReport | TdReport): boolean {
  if (body.kind === "sgx") return ((body.attributes[0] ?? 0) & SGX_DEBUG) !== 0;
  return ((body.tdAttributes[0] ?? 0) & TD_DEBUG) !== 0;
}

/** The status is that of all parts together, the date that of the platform's level. */
function tcbClaims({ collateral }: DcapEvidence): Claims["tcb"] {
  const { tcb, tcbInfo, qeIdentity } = collateral;
  if (tcb === undefined || tcbInfo === undefined || qeIdentity === undefined) return undefined;
  const { levels, tdxModule, quotingEnclave } = tcb.parts;
  const parts = [levels.platform, tdxModule, quotingEnclave].filter((part) => part !== undefined);
  return {
    status: tcb.status,
    advisoryIds: [...new Set(parts.flatMap((part) => part.advisoryIds))].sort(),
    date: levels.platform.date,
    evaluationDataNumber: tcbInfo.evaluationDataNumber,
  };
}

function sgxMeasurements(report: SgxReport): Claims["measurements"] {
  return { mrenclave: hex(report.mrenclave), mrsigner: hex(report.mrsigner) };
}

function tdMeasurements(report: TdReport): Claims["measurements"] {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmr;
  return {
    mrtd: hex(report.mrtd),
    mrconfigid: hex(report.mrconfigid),
    mrowner: hex(report.mrowner),
    mrownerconfig: hex(report.mrownerconfig),
    rtmr0: hex(rtmr0),
    rtmr1: hex(rtmr1),
    rtmr2: hex(rtmr2),
    rtmr3: hex(rtmr3),
    mrseam: hex(report.mrseam),
    mrsignerseam: hex(report.mrsignerseam),
    ...(report.current === undefined ? {} : { mrservicetd: hex(report.current.mrservicetd) }),
  };
}

function commonDetails(evidence: DcapEvidence): Details {
  const { quote, chain, pck, collateral } = evidence;
  return {
    quoteVersion: quote.version,
    teeType: quote.tee,
    bodyType: bodyType(quote.body),
    certType: quote.certification.certificationDataType,
    pckCa: pckCaOf(chain) ?? "",
    fmspc: hex(pck.fmspc),
    pceid: hex(pck.pceid),
    pckCpusvn: hex(pck.cpusvn),
    pckPcesvn: pck.pcesvn,
    qeIsvsvn: quote.certification.qeReport.isvsvn,
    trailingBytes: quote.trailing.length,
    trailingZero: isZero(quote.trailing),
    ...partStatuses(collateral.tcb),
  };
}

function bodyType(body: SgxReport | TdReport): string {
  if (body.kind === "sgx") return "sgx-enclave-report";
  return body.current === undefined ? "td-report-1.0" : "td-report-1.5";
}

function partStatuses(tcb: EvaluatedTcb | undefined): Details {
  if (tcb === undefined) return {};
  const { parts, relaunch } = tcb;
  return {
    platformTcbStatus: parts.levels.platform.status,
    qeTcbStatus: parts.quotingEnclave.status,
    qeTcbDate: parts.quotingEnclave.date,
    ...moduleStatus(parts.tdxModule),
    ...(relaunch && { launchTcbStatus: relaunch.launched, currentTcbStatus: relaunch.current ?? "NotSupported" }),
  };
}

function moduleStatus(module: IsvLevel | undefined): Details {
  return module === undefined ? {} : { tdxModuleTcbStatus: module.status, tdxModuleTcbDate: module.date };
}

function sgxDetails(report: SgxReport): Details {
  return {
    isvprodid: report.isvprodid,
    isvsvn: report.isvsvn,
    configid: hex(report.configid),
    configsvn: report.configsvn,
    isvextprodid: hex(report.isvextprodid),
    isvfamilyid: hex(report.isvfamilyid),
    attributes: hex(report.attributes),
    miscselect: hex(report.miscselect),
    cpusvn: hex(report.cpusvn),
  };
}

function tdDetails(report: TdReport): Details {
  return {
    tdAttributes: hex(report.tdAttributes),
    seamAttributes: hex(report.seamAttributes),
    xfam: hex(report.xfam),
    teeTcbSvn: hex(report.teeTcbSvn),
    ...(report.current === undefined ? {} : { teeTcbSvn2: hex(report.current.teeTcbSvn2) }),
  };
}

/** The earliest end of validity of everything that was used. */
function validUntil({ chain, collateral }: DcapEvidence): number {
  const { rootCrl, pckCrl, signers, tcbInfo, qeIdentity } = collateral;
  const certificates = [chain, ...signers].flatMap((part) => part.certificates.map(({ notAfter }) => notAfter));
  const updates = [rootCrl, pckCrl, tcbInfo, qeIdentity].flatMap((part) => (part ? [part.nextUpdate] : []));
  return Math.min(...certificates, ...updates);
}

/** The earliest issue of Intel's statements that were used; undefined where none was given. */
function issuedAt({ collateral }: DcapEvidence): number | undefined {
  const { rootCrl, pckCrl, tcbInfo, qeIdentity } = collateral;
  const lists = [rootCrl, pckCrl].flatMap((list) => (list ? [list.thisUpdate] : []));
  const statements = [tcbInfo, qeIdentity].flatMap((statement) => (statement ? [statement.issueDate] : []));
  const issues = [...lists, ...statements];
  return issues.length === 0 ? undefined : Math.min(...issues);
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
