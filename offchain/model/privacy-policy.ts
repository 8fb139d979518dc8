import type { Rational } from "../encoding/rational.ts";
import { rationalField } from "../encoding/rational.ts";
import type { Field } from "../encoding/members.ts";
import { integerField, isObject, parseMembers, uintField } from "../encoding/members.ts";
import { ModelError } from "../errors.ts";

/**
 * Whose privacy is counted: a record of the training data (each in one member of an ensemble), the requester's input where the
 * output is published, or one user's part of an aggregate.
 */
export type PrivacyUnit = "training-record" | "request-input" | "user-contribution";

/** What is added to the output; sigma squared and scale in counts, or for vectors in steps of the grid. */
export type PrivacyMechanism =
  | { readonly kind: "report-noisy-max"; readonly scale: Rational }
  | { readonly kind: "gnmax"; readonly sigmaSquared: Rational }
  | {
      readonly kind: "confident-gnmax";
      readonly threshold: bigint;
      readonly selectionSigmaSquared: Rational;
      readonly sigmaSquared: Rational;
    }
  | {
      readonly kind: "clipped-vector";
      readonly fractionBits: number;
      readonly norm: bigint;
      readonly sigmaSquared: Rational;
    };

/** What a model's owner demands of whoever runs it. @see docs/privacy.md */
export interface PrivacyPolicy {
  readonly unit: PrivacyUnit;
  readonly mechanism: PrivacyMechanism;
  /** The square of the L2 sensitivity of what is noised, which follows from the mechanism and is stated for its readers. */
  readonly sensitivitySquared: bigint;
  /** Millionths of rho: of all payers together, and of one. */
  readonly budget: { readonly perModel: bigint; readonly perPayer: bigint };
}

const RATIONAL_BITS = 128;
const NORM_BITS = 53;
/** A changed vote moves two counts by 1. */
const VOTES_SENSITIVITY_SQUARED = 2n;

const UNITS: Readonly<Record<PrivacyMechanism["kind"], readonly PrivacyUnit[]>> = {
  "report-noisy-max": ["training-record"],
  gnmax: ["training-record"],
  "confident-gnmax": ["training-record"],
  "clipped-vector": ["request-input", "user-contribution"],
};

/** Reads a policy strictly; throws `ModelError` `MODEL_MALFORMED` for an unknown or wrong member, a sensitivity or unit that does not belong to the mechanism. */
export function parsePrivacyPolicy(json: unknown): PrivacyPolicy {
  const policy: PrivacyPolicy = parseMembers(
    json,
    { unit, mechanism, sensitivitySquared: positive(2 * NORM_BITS + 2), budget },
    "privacy policy",
    malformed,
  );
  if (!UNITS[policy.mechanism.kind].includes(policy.unit))
    throw malformed("the privacy policy's unit is none that its mechanism protects");
  if (policy.sensitivitySquared !== sensitivityOf(policy.mechanism))
    throw malformed("the privacy policy states another sensitivity than its mechanism has");
  return policy;
}

function sensitivityOf(mechanism: PrivacyMechanism): bigint {
  return mechanism.kind === "clipped-vector" ? 4n * mechanism.norm ** 2n : VOTES_SENSITIVITY_SQUARED;
}

const fraction = rationalField(RATIONAL_BITS);

const unit: Field<PrivacyUnit> = (value) =>
  (["training-record", "request-input", "user-contribution"] as const).find((candidate) => candidate === value);

const MECHANISMS = {
  "report-noisy-max": { kind: only("report-noisy-max"), scale: fraction },
  gnmax: { kind: only("gnmax"), sigmaSquared: fraction },
  "confident-gnmax": {
    kind: only("confident-gnmax"),
    threshold: uintField(NORM_BITS),
    selectionSigmaSquared: fraction,
    sigmaSquared: fraction,
  },
  "clipped-vector": {
    kind: only("clipped-vector"),
    fractionBits: integerField(52),
    norm: positive(NORM_BITS),
    sigmaSquared: fraction,
  },
};

const mechanism: Field<PrivacyMechanism> = (value) => {
  const kind = isObject(value) ? value["kind"] : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(MECHANISMS, kind)) return undefined;
  const fields: Readonly<Record<string, Field<unknown>>> = MECHANISMS[kind as PrivacyMechanism["kind"]];
  return parseMembers(value, fields, "privacy policy mechanism", malformed) as unknown as PrivacyMechanism;
};

const budget: Field<PrivacyPolicy["budget"]> = (value) => {
  const stated = parseMembers(
    value,
    { perModel: positive(64), perPayer: positive(64) },
    "privacy policy budget",
    malformed,
  );
  return stated.perPayer <= stated.perModel ? stated : undefined;
};

function positive(bits: number): Field<bigint> {
  const uint = uintField(bits);
  return (value) => uint(value) || undefined;
}

function only<const T extends string>(text: T): Field<T> {
  return (value) => (value === text ? text : undefined);
}

function malformed(message: string): ModelError {
  return new ModelError("MODEL_MALFORMED", message);
}
