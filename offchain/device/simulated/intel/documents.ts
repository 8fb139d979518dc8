/** The JSON of TCB info and QE identity in Intel's order of members, before it is signed. */
import { sha256 } from "#crypto";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import type { SimulatedTee } from "./platform-file.ts";
import { MODULE_LEVELS, PCE_SVN, PLATFORM_LEVELS, sgxComponents, TDX_MODULE_VERSION, tdxComponents } from "./tcb.ts";
import type { SimulatedVendor } from "./vendor.ts";

interface Times {
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly nextUpdate: number;
}

const DAY = 86_400_000;
const EVALUATION_DATA_NUMBER = 20;
const ZERO_48 = "00".repeat(48);
const TDX_MODULE = { mrsigner: ZERO_48, attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };
/** What every level asks of the TDX module beside its own identity's levels. */
const TDX_MODULE_AT_LEAST = { svn: 1, version: 0 };
const SGX_CATEGORIES = [
  { category: "BIOS", type: "Early Microcode Update" },
  { category: "OS/VMM", type: "SGX Late Microcode Update" },
  { category: "OS/VMM", type: "TXT SINIT" },
  { category: "BIOS" },
  { category: "BIOS" },
  { category: "BIOS" },
  {},
  { category: "OS/VMM", type: "SEAMLDR ACM" },
];
const TDX_CATEGORIES = [
  { category: "OS/VMM", type: "TDX Module" },
  { category: "OS/VMM", type: "TDX Module" },
  { category: "OS/VMM", type: "TDX Late Microcode Update" },
];

/** The quoting enclaves' product ids, as Intel's. */
export const QE_PRODUCT: Readonly<Record<SimulatedTee, number>> = { "intel-sgx": 1, "intel-tdx": 2 };

/** The signer of a simulated quoting enclave, 32 bytes. */
export function qeSigner(tee: SimulatedTee): Uint8Array {
  return sha256(utf8(`SIMULATED Intel quoting enclave signer/${tee}`));
}

/**
 * TCB info version 3.
 * @see Intel SGX and TDX Provisioning Certification Service API v4, Get SGX TCB Info and Get TDX TCB Info
 */
export function tcbInfoDocument(vendor: SimulatedVendor, tee: SimulatedTee, options: Times & { fmspc: Hex }): string {
  const tdx = tee === "intel-tdx";
  return JSON.stringify({
    id: tdx ? "TDX" : "SGX",
    version: 3,
    issueDate: dateOf(options.issuedAt),
    nextUpdate: dateOf(options.nextUpdate),
    fmspc: upperHex(options.fmspc),
    pceId: "0000",
    tcbType: 0,
    tcbEvaluationDataNumber: EVALUATION_DATA_NUMBER,
    ...(tdx ? { tdxModule: TDX_MODULE, tdxModuleIdentities: [tdxModuleIdentity(vendor)] } : {}),
    tcbLevels: PLATFORM_LEVELS.map((level) => levelJson(vendor, level, platformTcb(tee, level.svn))),
  });
}

/**
 * QE or TD QE identity version 2.
 * @see Intel SGX and TDX Provisioning Certification Service API v4, Get Quoting Enclave Identity
 */
export function qeIdentityDocument(
  vendor: SimulatedVendor,
  tee: SimulatedTee,
  options: Times & { readonly foreignQeSigner?: boolean },
): string {
  const signer = options.foreignQeSigner === true ? sha256(utf8("another signer")) : qeSigner(tee);
  return JSON.stringify({
    id: tee === "intel-tdx" ? "TD_QE" : "QE",
    version: 2,
    issueDate: dateOf(options.issuedAt),
    nextUpdate: dateOf(options.nextUpdate),
    tcbEvaluationDataNumber: EVALUATION_DATA_NUMBER,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: `11${"00".repeat(15)}`,
    attributesMask: `FB${"FF".repeat(7)}${"00".repeat(8)}`,
    mrsigner: upperHex(toHex(signer)),
    isvprodid: QE_PRODUCT[tee],
    tcbLevels: moduleLevels(vendor),
  });
}

function tdxModuleIdentity(vendor: SimulatedVendor): object {
  const version = TDX_MODULE_VERSION.toString().padStart(2, "0");
  return { id: `TDX_${version}`, ...TDX_MODULE, tcbLevels: moduleLevels(vendor) };
}

function platformTcb(tee: SimulatedTee, svn: number): object {
  const sgx = { sgxtcbcomponents: componentsJson(sgxComponents(svn), SGX_CATEGORIES), pcesvn: PCE_SVN };
  if (tee === "intel-sgx") return sgx;
  return { ...sgx, tdxtcbcomponents: componentsJson(tdxComponents(svn, TDX_MODULE_AT_LEAST), TDX_CATEGORIES) };
}

function moduleLevels(vendor: SimulatedVendor): object[] {
  return MODULE_LEVELS.map((level) => levelJson(vendor, level, { isvsvn: level.svn }));
}

function levelJson(
  vendor: SimulatedVendor,
  level: { readonly status: string; readonly age: number; readonly advisories: readonly string[] },
  tcb: object,
): object {
  return {
    tcb,
    tcbDate: `${dateOf(vendor.createdAt - level.age * DAY).slice(0, 10)}T00:00:00Z`,
    tcbStatus: level.status,
    ...(level.advisories.length === 0 ? {} : { advisoryIDs: level.advisories }),
  };
}

function componentsJson(svns: readonly number[], categories: readonly object[]): object[] {
  return svns.map((svn, index) => ({ svn, ...categories[index] }));
}

/** ISO 8601 with whole seconds. */
function dateOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function upperHex(hex: Hex): string {
  return hex.slice(2).toUpperCase();
}
