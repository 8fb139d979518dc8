import type { JsonFields } from "../../encoding/fields.ts";
import { TCB_STATUSES, type TcbStatus } from "../scheme.ts";
import { invalid, parseSignedJson, readAdvisories, readIsoTime, type SignedJson } from "./signed-json.ts";

/** One level of a platform's TCB. */
export interface TcbLevel {
  readonly sgxComponents: readonly number[];
  readonly pcesvn: number;
  /** Undefined for SGX. */
  readonly tdxComponents: readonly number[] | undefined;
  readonly status: TcbStatus;
  /** ISO 8601 as it stands. */
  readonly date: string;
  readonly advisoryIds: readonly string[];
}

/** A level of an enclave or module that has one SVN. */
export interface IsvLevel {
  readonly isvsvn: number;
  readonly status: IsvStatus;
  readonly date: string;
  readonly advisoryIds: readonly string[];
}

export type IsvStatus = "UpToDate" | "OutOfDate" | "Revoked";

/** Who signed the TDX module and with which attributes it runs. */
export interface TdxModule {
  /** 48 bytes. */
  readonly mrsigner: Uint8Array;
  /** 8 bytes each. */
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
}

/** A TDX module of one version with its levels. */
export interface TdxModuleIdentity extends TdxModule {
  readonly id: string;
  readonly levels: readonly IsvLevel[];
}

/** Intel's TCB info of one platform family, as parsed. */
export interface TcbInfo {
  readonly signed: SignedJson;
  readonly id: "SGX" | "TDX";
  readonly version: 2 | 3;
  /** Milliseconds since 1970. */
  readonly issueDate: number;
  readonly nextUpdate: number;
  /** 6 bytes. */
  readonly fmspc: Uint8Array;
  /** 2 bytes. */
  readonly pceid: Uint8Array;
  readonly evaluationDataNumber: number;
  readonly levels: readonly TcbLevel[];
  readonly tdxModule: TdxModule | undefined;
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[];
}

const COMPONENTS = 16;
const MAX_LEVELS = 256;
const MAX_UINT32 = 0xffff_ffff;

/** Statuses that a platform's level may have: Intel's lists never advise a relaunch by themselves. */
const LEVEL_STATUSES: ReadonlySet<TcbStatus> = new Set(
  TCB_STATUSES.filter((status) => !status.startsWith("TDRelaunchAdvised")),
);
const ISV_STATUSES: ReadonlySet<IsvStatus> = new Set<IsvStatus>(["UpToDate", "OutOfDate", "Revoked"]);

/**
 * Parses TCB info version 2 (SGX) or 3 (SGX, TDX); throws `EndorsementError` `ENDORSEMENT_INVALID`.
 * @see Intel PCS API v4, TCB Info model; v2 as in PCS API v3
 */
export function parseTcbInfo(bytes: Uint8Array): TcbInfo {
  const signed = parseSignedJson(bytes, "tcbInfo");
  const { fields } = signed;
  const version = fields.uint("version", MAX_UINT32);
  if (version !== 2 && version !== 3) throw invalid(`tcbInfo version ${version}`);
  const id = version === 2 ? "SGX" : fields.text("id");
  if (id !== "SGX" && id !== "TDX") throw invalid(`tcbInfo id ${id}`);
  if (fields.uint("tcbType", MAX_UINT32) !== 0) throw invalid("tcbInfo tcbType is not 0");
  return {
    signed,
    id,
    version,
    issueDate: readIsoTime(fields, "issueDate"),
    nextUpdate: readIsoTime(fields, "nextUpdate"),
    fmspc: fields.hex("fmspc", { length: 6, prefix: false }),
    pceid: fields.hex("pceId", { length: 2, prefix: false }),
    evaluationDataNumber: fields.uint("tcbEvaluationDataNumber", MAX_UINT32),
    levels: readLevels(fields, (level) => readLevel(level, version, id)),
    tdxModule: id === "TDX" ? readTdxModule(fields.fields("tdxModule")) : undefined,
    tdxModuleIdentities:
      id === "TDX" && fields.has("tdxModuleIdentities")
        ? fields.fieldsList("tdxModuleIdentities").map(readTdxModuleIdentity)
        : [],
  };
}

/** Reads the levels of an enclave or module with one SVN. */
export function readIsvLevels(fields: JsonFields): readonly IsvLevel[] {
  return readLevels(fields, (level) => ({
    isvsvn: level.fields("tcb").uint("isvsvn", 0xffff),
    status: readStatus(level, ISV_STATUSES),
    date: readDate(level),
    advisoryIds: readAdvisories(level),
  }));
}

function readLevels<Level>(fields: JsonFields, read: (level: JsonFields) => Level): readonly Level[] {
  const levels = fields.fieldsList("tcbLevels");
  if (levels.length > MAX_LEVELS) throw invalid(`${levels.length} TCB levels`);
  return levels.map(read);
}

function readLevel(level: JsonFields, version: 2 | 3, id: "SGX" | "TDX"): TcbLevel {
  const tcb = level.fields("tcb");
  return {
    sgxComponents: version === 2 ? readNumberedComponents(tcb) : readComponents(tcb, "sgxtcbcomponents"),
    pcesvn: tcb.uint("pcesvn", 0xffff),
    tdxComponents: id === "TDX" ? readComponents(tcb, "tdxtcbcomponents") : undefined,
    status: readStatus(level, LEVEL_STATUSES),
    date: readDate(level),
    advisoryIds: readAdvisories(level),
  };
}

function readComponents(tcb: JsonFields, name: string): readonly number[] {
  const components = tcb.fieldsList(name);
  if (components.length !== COMPONENTS) throw invalid(`${name} has ${components.length} components`);
  return components.map((component) => component.uint("svn", 0xff));
}

/** Version 2 names each component. */
function readNumberedComponents(tcb: JsonFields): readonly number[] {
  return Array.from({ length: COMPONENTS }, (_, index) =>
    tcb.uint(`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, 0xff),
  );
}

function readStatus<Status extends TcbStatus>(level: JsonFields, known: ReadonlySet<Status>): Status {
  const status = level.text("tcbStatus");
  for (const candidate of known) if (candidate === status) return candidate;
  throw invalid(`TCB status ${status}`);
}

function readDate(level: JsonFields): string {
  readIsoTime(level, "tcbDate");
  return level.text("tcbDate");
}

function readTdxModule(fields: JsonFields): TdxModule {
  return {
    mrsigner: fields.hex("mrsigner", { length: 48, prefix: false }),
    attributes: fields.hex("attributes", { length: 8, prefix: false }),
    attributesMask: fields.hex("attributesMask", { length: 8, prefix: false }),
  };
}

function readTdxModuleIdentity(fields: JsonFields): TdxModuleIdentity {
  return { ...readTdxModule(fields), id: fields.text("id"), levels: readIsvLevels(fields) };
}
