import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";
import { DEVICE_PLATFORMS, NODE_PLATFORMS, TCB_STATUSES, type Platform, type TcbStatus } from "../evidence/scheme.ts";

/**
 * What a verifier accepts; JSON-shaped. An empty list under a name that ends the sentence "only these" means: any.
 * @see docs/verification.md, policy
 */
export interface AppraisalPolicy {
  /** `quote-only` accepts evidence, with a warning, whose endorsements were not given. */
  readonly endorsements: "required" | "quote-only";
  /** Only these platforms. */
  readonly platforms: readonly Platform[];
  /** Statuses to accept; each but `UpToDate` is a warning. */
  readonly tcbStatuses: readonly TcbStatus[];
  readonly minimumEvaluationNumber: number;
  /** Advisories that must not apply to the platform. */
  readonly refusedAdvisories: readonly string[];
  readonly allowDebug: boolean;
  readonly allowSimulated: boolean;
  /** A service TD (one that may migrate the TD, say), or a guest policy that allows a migration agent, is accepted with a warning. */
  readonly allowServiceTd: boolean;
  /** Only these sets of measurements, each name to hex; every name in one set must match. */
  readonly measurements: readonly Readonly<Record<string, string>>[];
  /** Only these workload ids, hex without 0x. */
  readonly workloadIds: readonly string[];
  /** What a node's devices must be. */
  readonly gpu: GpuPolicy;
}

/** What is asked of the GPUs and switches of a node. */
export interface GpuPolicy {
  /** A node without a device is refused. */
  readonly required: boolean;
  /** Whether a device must have its measurements compared with its manifests; a warning otherwise. */
  readonly referenceMeasurements: "required" | "warn";
}

const ACCEPTED: readonly TcbStatus[] = TCB_STATUSES.filter((status) => status !== "Revoked");
const PLATFORMS: readonly Platform[] = [...NODE_PLATFORMS, ...DEVICE_PLATFORMS];

/** Every TCB status but `Revoked`; no debug, no simulated vendor; any measurement. */
export const DEFAULT_POLICY: AppraisalPolicy = {
  endorsements: "required",
  platforms: [],
  tcbStatuses: ACCEPTED,
  minimumEvaluationNumber: 0,
  refusedAdvisories: [],
  allowDebug: false,
  allowSimulated: false,
  allowServiceTd: true,
  measurements: [],
  workloadIds: [],
  gpu: { required: false, referenceMeasurements: "required" },
};

const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);

/** Reads a policy from a JSON value; absent members are the default's, unknown ones are refused with `ConfigError` `CONFIG_INVALID`. */
export function parsePolicy(json: unknown): AppraisalPolicy {
  const fields = new JsonFields(json, "policy", invalid);
  const unknown = fields.names().filter((name) => !Object.hasOwn(READERS, name));
  if (unknown.length > 0) throw invalid(`policy: unknown member ${unknown.join(", ")}`);
  const given = Object.entries(READERS).filter(([name]) => fields.has(name));
  return { ...DEFAULT_POLICY, ...Object.fromEntries(given.map(([name, read]) => [name, read(fields, name)])) };
}

const READERS: {
  readonly [Name in keyof AppraisalPolicy]: (fields: JsonFields, name: string) => AppraisalPolicy[Name];
} = {
  endorsements: (fields, name) => oneOf(fields.text(name), ["required", "quote-only"] as const, name),
  platforms: (fields, name) => texts(fields, name).map((text) => oneOf(text, PLATFORMS, name)),
  tcbStatuses: (fields, name) => texts(fields, name).map((text) => oneOf(text, ACCEPTED, name)),
  minimumEvaluationNumber: (fields, name) => fields.uint(name, 0xffff_ffff),
  refusedAdvisories: texts,
  allowDebug: flag,
  allowSimulated: flag,
  allowServiceTd: flag,
  measurements: (fields, name) => fields.fieldsList(name).map((set) => readSet(set)),
  workloadIds: (fields, name) => texts(fields, name).map((text) => hexText(text, name)),
  gpu: (fields, name) => readGpuPolicy(fields.fields(name)),
};

/** Absent members are the default's. */
function readGpuPolicy(fields: JsonFields): GpuPolicy {
  const unknown = fields.names().filter((name) => !Object.hasOwn(DEFAULT_POLICY.gpu, name));
  if (unknown.length > 0) throw invalid(`policy.gpu: unknown member ${unknown.join(", ")}`);
  const { required, referenceMeasurements } = DEFAULT_POLICY.gpu;
  return {
    required: fields.has("required") ? fields.boolean("required") : required,
    referenceMeasurements: fields.has("referenceMeasurements")
      ? oneOf(fields.text("referenceMeasurements"), ["required", "warn"] as const, "gpu.referenceMeasurements")
      : referenceMeasurements,
  };
}

function flag(fields: JsonFields, name: string): boolean {
  return fields.boolean(name);
}

function texts(fields: JsonFields, name: string): readonly string[] {
  return fields.list(name).map((item) => {
    if (typeof item !== "string") throw invalid(`policy.${name} is not a list of texts`);
    return item;
  });
}

function oneOf<Text extends string>(text: string, known: readonly Text[], name: string): Text {
  const found = known.find((candidate) => candidate === text);
  if (found === undefined) throw invalid(`policy.${name}: "${text}" is none of ${known.join(", ")}`);
  return found;
}

function readSet(set: JsonFields): Readonly<Record<string, string>> {
  const names = set.names();
  if (names.length === 0) throw invalid("policy.measurements: an empty set would accept everything");
  return Object.fromEntries(names.map((name) => [name, hexText(set.text(name), name)]));
}

function hexText(text: string, name: string): string {
  const hex = text.toLowerCase().replace(/^0x/, "");
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) throw invalid(`policy: ${name} is not hex`);
  return hex;
}
