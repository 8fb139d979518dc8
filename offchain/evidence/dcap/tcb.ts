import { equal, isZero, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import type { TcbStatus } from "../scheme.ts";
import type { PckExtension } from "./pck.ts";
import { masked } from "./qe-identity.ts";
import type { TdReport } from "./report.ts";
import type { IsvLevel, TcbInfo, TcbLevel, TdxModule, TdxModuleIdentity } from "./tcb-info.ts";

/** The levels that one platform matched. */
export interface PlatformLevels {
  /** The first level whose SGX components and PCESVN the platform reaches. */
  readonly sgx: TcbLevel;
  /** The first level that it reaches in every component; the same as `sgx` for SGX. */
  readonly platform: TcbLevel;
}

/** The parts that a platform's status is made of. */
export interface StatusParts {
  readonly levels: PlatformLevels;
  /** Undefined for SGX, and for a TDX module without a version. */
  readonly tdxModule: IsvLevel | undefined;
  readonly quotingEnclave: IsvLevel;
}

const unsupported = (message: string): EvidenceError => new EvidenceError("EVIDENCE_UNSUPPORTED", message);

/**
 * The TCB levels that a platform reaches; throws `EvidenceError` `EVIDENCE_UNSUPPORTED` where there is none.
 * @see Intel PCS API v4, "How to determine TCB status", steps 1 to 4
 */
export function matchLevels(info: TcbInfo, pck: PckExtension, td: TdReport | undefined): PlatformLevels {
  const reached = info.levels.filter(
    (level) => reaches(pck.componentSvns, level.sgxComponents, 0) && pck.pcesvn >= level.pcesvn,
  );
  const [sgx] = reached;
  const platform = td === undefined ? sgx : reached.find((level) => reachesTdx(td.teeTcbSvn, level));
  if (sgx === undefined || platform === undefined) {
    const svns = `components ${pck.componentSvns.join(",")} PCESVN ${pck.pcesvn}`;
    const tdx = td === undefined ? "" : ` TEE_TCB_SVN ${toHex(td.teeTcbSvn)}`;
    throw unsupported(`no TCB level is reached by ${svns}${tdx}`);
  }
  return { sgx, platform };
}

/** A TDX module with a version of its own is judged by its identity, so its two components are left out. */
function reachesTdx(teeTcbSvn: Uint8Array, level: TcbLevel): boolean {
  return reaches([...teeTcbSvn], level.tdxComponents ?? [], moduleVersion(teeTcbSvn) > 0 ? 2 : 0);
}

function reaches(svns: readonly number[], wanted: readonly number[], from: number): boolean {
  return svns.every((svn, index) => index < from || svn >= (wanted[index] ?? 0));
}

/**
 * Checks the TDX module against its identity; the level is undefined where the module has no version.
 * Throws `EvidenceError` `CHAIN_UNTRUSTED` where signer or attributes differ, `EVIDENCE_UNSUPPORTED` where its version or SVN is unknown.
 * @see Intel PCS API v4, "How to determine TCB status", TDX module identity
 */
export function matchTdxModule(info: TcbInfo, td: TdReport): IsvLevel | undefined {
  const version = moduleVersion(td.teeTcbSvn);
  if (version === 0) {
    if (info.tdxModule === undefined) throw unsupported("the TCB info names no TDX module");
    checkModule(info.tdxModule, td);
    return undefined;
  }
  const identity = moduleIdentity(info, version);
  if (identity === undefined) throw unsupported(`no identity for TDX module version ${version}`);
  checkModule(identity, td);
  const svn = td.teeTcbSvn[0] ?? 0;
  const level = identity.levels.find((candidate) => candidate.isvsvn <= svn);
  if (level === undefined) throw unsupported(`the TDX module's SVN ${svn} is below every level`);
  return level;
}

function moduleVersion(teeTcbSvn: Uint8Array): number {
  return teeTcbSvn[1] ?? 0;
}

function moduleIdentity(info: TcbInfo, version: number): TdxModuleIdentity | undefined {
  const id = `TDX_${version.toString(16).padStart(2, "0").toUpperCase()}`;
  return info.tdxModuleIdentities.find((identity) => identity.id.toUpperCase() === id);
}

/** Intel's library also wants the SEAM attributes of a production module to be zero. */
function checkModule(module: TdxModule, td: TdReport): void {
  if (!equal(td.mrsignerseam, module.mrsigner)) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `MRSIGNERSEAM ${toHex(td.mrsignerseam)} is not the TDX module's signer`);
  }
  const { seamAttributes } = td;
  const fits = equal(masked(seamAttributes, module.attributesMask), masked(module.attributes, module.attributesMask));
  if (!fits || !isZero(seamAttributes)) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `SEAMATTRIBUTES ${toHex(seamAttributes)} are not the TDX module's`);
  }
}

/**
 * One status out of those of the platform, the TDX module and the quoting enclave, with the advice to relaunch.
 * @see Intel TDX DCAP Quote Verification Library, TCB status convergence and TD relaunch check
 */
export function convergeStatus(info: TcbInfo, parts: StatusParts, td: TdReport | undefined): TcbStatus {
  const { levels, tdxModule, quotingEnclave } = parts;
  const platform = worse(levels.platform.status, tdxModule?.status ?? "UpToDate");
  const relaunched =
    td?.current !== undefined && relaunchHelps(info, parts, platform, td.current.teeTcbSvn2)
      ? relaunchAdvice(levels.sgx.status, platform)
      : platform;
  return worse(relaunched, quotingEnclave.status);
}

/** The status that a TDX 1.5 platform has now, whatever it had when the trust domain was launched; undefined where no level fits. */
export function currentStatus(
  info: TcbInfo,
  pck: PckExtension,
  td: TdReport,
  quotingEnclave: IsvLevel,
): TcbStatus | undefined {
  if (td.current === undefined) return undefined;
  const { current: _, ...launched } = td;
  const now = { ...launched, teeTcbSvn: td.current.teeTcbSvn2 };
  try {
    const parts = { levels: matchLevels(info, pck, now), tdxModule: matchTdxModule(info, now), quotingEnclave };
    return convergeStatus(info, parts, now);
  } catch (error) {
    if (error instanceof EvidenceError) return undefined;
    throw error;
  }
}

/** The status of a whole with a part that is judged by itself. */
function worse(whole: TcbStatus, part: IsvLevel["status"]): TcbStatus {
  if (part === "Revoked") return "Revoked";
  if (part === "UpToDate") return whole;
  if (whole === "UpToDate" || whole === "SWHardeningNeeded") return "OutOfDate";
  if (whole === "ConfigurationNeeded" || whole === "ConfigurationAndSWHardeningNeeded") {
    return "OutOfDateConfigurationNeeded";
  }
  return whole;
}

const CURRENT: ReadonlySet<TcbStatus> = new Set<TcbStatus>([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
]);

/** The platform is current now and only the TCB at the TD's launch was not: a new launch would mend it. */
function relaunchHelps(info: TcbInfo, parts: StatusParts, platform: TcbStatus, now: Uint8Array): boolean {
  const outOfDate = platform === "OutOfDate" || platform === "OutOfDateConfigurationNeeded";
  const moduleOutOfDate = parts.tdxModule?.status === "OutOfDate";
  const restIsCurrent = parts.quotingEnclave.status === "UpToDate" && CURRENT.has(parts.levels.sgx.status);
  return outOfDate && moduleOutOfDate && restIsCurrent && reachesLatest(info, now);
}

function reachesLatest(info: TcbInfo, teeTcbSvn2: Uint8Array): boolean {
  const wanted = info.levels[0]?.tdxComponents;
  if (wanted === undefined) return false;
  const moduleSvn = latestModuleSvn(info, teeTcbSvn2, wanted);
  const [svn = 0, , seamldr = 0] = teeTcbSvn2;
  return moduleSvn !== undefined && svn >= moduleSvn && seamldr >= (wanted[2] ?? 0);
}

function latestModuleSvn(info: TcbInfo, teeTcbSvn2: Uint8Array, wanted: readonly number[]): number | undefined {
  const version = moduleVersion(teeTcbSvn2);
  if (version === 0) return wanted[0];
  const identity = moduleIdentity(info, version);
  if (identity === undefined) throw unsupported(`no identity for TDX module version ${version}`);
  return identity.levels[0]?.isvsvn;
}

function relaunchAdvice(sgx: TcbStatus, platform: TcbStatus): TcbStatus {
  const configuration = [sgx, platform].some((status) => status.includes("Configuration"));
  return configuration ? "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
}
