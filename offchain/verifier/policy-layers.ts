import { isObject } from "../encoding/members.ts";
import { ConfigError } from "../errors.ts";
import { POLICY_LAYERS, type PolicyLayer } from "../evidence/scheme.ts";
import { parsePolicy, type AppraisalPolicy } from "./policy.ts";
import { members, type Readers } from "./policy-json.ts";

/** Policies of several authorities, JSON-shaped: evidence is acceptable only to all of them. */
export interface LayeredPolicy {
  readonly layers: Readonly<Partial<Record<PolicyLayer, AppraisalPolicy>>>;
}

/** One policy, or one for each of several layers. */
export type Policy = AppraisalPolicy | LayeredPolicy;

/** A policy and whose it is; undefined where there is one policy alone. */
export interface Layer {
  readonly layer: PolicyLayer | undefined;
  readonly policy: AppraisalPolicy;
}

/**
 * Puts the policies of several layers together: all must agree, and what one denies stays denied.
 * Throws `ConfigError` `CONFIG_INVALID` where there is none, or a layer twice.
 * @see docs/verification.md, layers
 */
export function combinePolicies(
  layers: readonly { readonly layer: PolicyLayer; readonly policy: AppraisalPolicy }[],
): LayeredPolicy {
  const names = layers.map(({ layer }) => layer);
  if (names.length === 0 || new Set(names).size < names.length) {
    throw new ConfigError("CONFIG_INVALID", `policy.layers has none, or one twice: ${names.join(", ")}`);
  }
  return { layers: Object.fromEntries(layers.map(({ layer, policy }) => [layer, policy])) };
}

/** The single policies of a policy in the order vendor, protocol, community. */
export function layersOf(policy: Policy): readonly Layer[] {
  if (!("layers" in policy)) return [{ layer: undefined, policy }];
  return POLICY_LAYERS.flatMap((layer) => {
    const own = policy.layers[layer];
    return own === undefined ? [] : [{ layer, policy: own }];
  });
}

/** A policy in which every layer was changed in the same way. */
export function mapLayers(policy: Policy, change: (policy: AppraisalPolicy) => AppraisalPolicy): Policy {
  if (!("layers" in policy)) return change(policy);
  const changed = Object.entries(policy.layers).map(([layer, own]) => [layer, change(own)]);
  return { layers: Object.fromEntries(changed) };
}

const layers = members<LayeredPolicy["layers"]>(
  Object.fromEntries(POLICY_LAYERS.map((layer) => [layer, parsePolicy])) as Readers<LayeredPolicy["layers"]>,
  1,
);

/** Reads a policy's document: one policy, or `{"layers": {…}}`. Throws `ConfigError` `CONFIG_INVALID` that names the path. */
export function parsePolicyDocument(json: unknown): Policy {
  if (!isObject(json) || !Object.hasOwn(json, "layers")) return parsePolicy(json);
  const read = members<LayeredPolicy>({ layers: (value, path) => layers(value, path) })(json, "policy");
  return { layers: read.layers ?? {} };
}
