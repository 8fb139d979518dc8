/** The TCB levels of the simulated vendor: one security version number stands for one status. */
import type { TcbStatus } from "../../../evidence/scheme.ts";

/** A status that Intel's TCB info knows, or `Unknown` for a platform below every level. */
export type SimulatedTcb = Exclude<TcbStatus, "TDRelaunchAdvised" | "TDRelaunchAdvisedConfigurationNeeded"> | "Unknown";

/** A status that the levels of the quoting enclave and of the TDX module know. */
export type ModuleTcb = "UpToDate" | "OutOfDate" | "Revoked" | "Unknown";

/** Highest first, as they stand in TCB info; `age` is in days before the vendor was made. */
export const PLATFORM_LEVELS = [
  { svn: 9, status: "UpToDate", age: 30, advisories: [] },
  { svn: 8, status: "SWHardeningNeeded", age: 30, advisories: ["SIMULATED-SA-00001"] },
  { svn: 7, status: "ConfigurationNeeded", age: 30, advisories: ["SIMULATED-SA-00002"] },
  {
    svn: 6,
    status: "ConfigurationAndSWHardeningNeeded",
    age: 30,
    advisories: ["SIMULATED-SA-00001", "SIMULATED-SA-00002"],
  },
  { svn: 5, status: "OutOfDate", age: 210, advisories: ["SIMULATED-SA-00001", "SIMULATED-SA-00003"] },
  {
    svn: 4,
    status: "OutOfDateConfigurationNeeded",
    age: 210,
    advisories: ["SIMULATED-SA-00002", "SIMULATED-SA-00003"],
  },
  { svn: 3, status: "Revoked", age: 390, advisories: ["SIMULATED-SA-00004"] },
] as const satisfies readonly { svn: number; status: SimulatedTcb; age: number; advisories: readonly string[] }[];

/** Of the quoting enclaves and of the TDX module, highest first. */
export const MODULE_LEVELS = [
  { svn: 6, status: "UpToDate", age: 30, advisories: [] },
  { svn: 4, status: "OutOfDate", age: 210, advisories: ["SIMULATED-SA-00005"] },
  { svn: 2, status: "Revoked", age: 390, advisories: ["SIMULATED-SA-00006"] },
] as const satisfies readonly { svn: number; status: ModuleTcb; age: number; advisories: readonly string[] }[];

export const PCE_SVN = 13;
export const TDX_MODULE_VERSION = 1;

/** The 16 component SVNs of a platform or level; the microcode's carry the status. */
export function sgxComponents(svn: number): number[] {
  return [svn, svn, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
}

/** The 16 TDX component SVNs: SVN and version of the TDX module, then the microcode's. */
export function tdxComponents(svn: number, module: { readonly svn: number; readonly version: number }): number[] {
  return [module.svn, module.version, svn, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
}

/** The SVN at which a platform has a status. */
export function platformSvn(status: SimulatedTcb): number {
  return PLATFORM_LEVELS.find((level) => level.status === status)?.svn ?? 1;
}

/** The SVN at which a quoting enclave or TDX module has a status. */
export function moduleSvn(status: ModuleTcb): number {
  return MODULE_LEVELS.find((level) => level.status === status)?.svn ?? 1;
}
