import { canonicalJson, type Json } from "../encoding/json.ts";
import { POLICY_LAYERS, type Platform } from "../evidence/scheme.ts";
import { isOfDevice, type ExpectedClaims, type Expectation } from "./expectation.ts";
import type { AppraisalPolicy, GpuPolicy, SevSnpFloor } from "./policy.ts";
import { layersOf, type Policy } from "./policy-layers.ts";

/** What a change of a policy does to what is accepted; `different` accepts something new and refuses something old. */
export type Change = "stricter" | "looser" | "different";

/** One member of a policy that changed. */
export interface PolicyChange {
  /** Such as `policy.deny.platforms`. */
  readonly path: string;
  readonly change: Change;
  readonly before: unknown;
  readonly after: unknown;
}

type Order = Change | "same";
type Compare<T> = (before: T, after: T) => Order;
type Paths = readonly (readonly [path: string, order: Order, before: unknown, after: unknown])[];

/** Says member by member what a second policy accepts more or less than a first one. */
export function diffPolicies(before: Policy, after: Policy): readonly PolicyChange[] {
  const layers = [undefined, ...POLICY_LAYERS];
  return layers.flatMap((layer) => {
    const [own, other] = [before, after].map((policy) => layersOf(policy).find((found) => found.layer === layer));
    const path = layer === undefined ? "policy" : `policy.layers.${layer}`;
    if (own !== undefined && other !== undefined) return changesOf(own.policy, other.policy, path);
    if (own === undefined && other === undefined) return [];
    // A policy alone and the same one as a layer are not compared: each side is a change as a whole.
    const change = own === undefined ? "stricter" : "looser";
    return [{ path, change, before: own?.policy, after: other?.policy }];
  });
}

function changesOf(before: AppraisalPolicy, after: AppraisalPolicy, path: string): readonly PolicyChange[] {
  return paths(before, after).flatMap(([name, order, from, to]) =>
    order === "same" ? [] : [{ path: `${path}.${name}`, change: order, before: from, after: to }],
  );
}

const REQUIRED = { "quote-only": 0, warn: 0, required: 1 } as const;

function paths(before: AppraisalPolicy, after: AppraisalPolicy): Paths {
  const member = <Name extends keyof AppraisalPolicy>(
    name: Name,
    compare: Compare<AppraisalPolicy[Name]>,
  ): Paths[number] => [name, compare(before[name], after[name]), before[name], after[name]];
  return [
    ...(["endorsements", "revocation"] as const).map((name) =>
      member(name, (a, b) => rising(REQUIRED[a], REQUIRED[b])),
    ),
    ...(["platforms", "roots"] as const).map((name) => member(name, onlyThese)),
    member("tcbStatuses", subset),
    member("minimumEvaluationNumber", rising),
    ...floors(before.minimumSevSnpTcb, after.minimumSevSnpTcb),
    member("acceptedAdvisories", (a, b) => narrowed(a, b)),
    ...(["maximumEvidenceAge", "maximumEndorsementAge"] as const).map((name) =>
      member(name, (a, b) => rising(b ?? Infinity, a ?? Infinity)),
    ),
    ...(["allowDebug", "allowSimulated", "allowServiceTd"] as const).map((name) =>
      member(name, (a, b) => rising(Number(b), Number(a))),
    ),
    ...workloads(before, after),
    ...claims(before, after),
    ...gpu(before.gpu, after.gpu),
    ...(["platforms", "platformIds", "workloadIds", "advisories"] as const).map((name): Paths[number] => {
      const [from, to] = [before.deny[name], after.deny[name]];
      return [`deny.${name}`, subset(to, from), from, to];
    }),
  ];
}

function floors(before: SevSnpFloor, after: SevSnpFloor): Paths {
  const parts = ["bootloader", "tee", "snp", "microcode", "fmc"] as const;
  return parts.map((part) => {
    const [from, to] = [before[part], after[part]];
    return [`minimumSevSnpTcb.${part}`, rising(from ?? -1, to ?? -1), from, to];
  });
}

function gpu(before: GpuPolicy, after: GpuPolicy): Paths {
  const [from, to] = [REQUIRED[before.referenceMeasurements], REQUIRED[after.referenceMeasurements]];
  return [
    ["gpu.required", rising(Number(before.required), Number(after.required)), before.required, after.required],
    ["gpu.referenceMeasurements", rising(from, to), before.referenceMeasurements, after.referenceMeasurements],
  ];
}

/** Sets and ids are one list of what is known of nodes, sets of devices another. */
function workloads(before: AppraisalPolicy, after: AppraisalPolicy): Paths {
  const known = ({ measurements, workloadIds }: AppraisalPolicy, device: boolean): readonly string[] => [
    ...measurements.filter((set) => isOfDevice(set) === device).map((set) => canonicalJson(set as unknown as Json)),
    ...(device ? [] : workloadIds),
  ];
  const compared = (device: boolean): Order => onlyThese(known(before, device), known(after, device));
  const shown = ({ measurements, workloadIds }: AppraisalPolicy): unknown => ({ measurements, workloadIds });
  const orders = [compared(false), compared(true)].filter((order) => order !== "same");
  return [["measurements", together(orders), shown(before), shown(after)]];
}

function claims(before: AppraisalPolicy, after: AppraisalPolicy): Paths {
  const platforms = new Set([...Object.keys(before.claims), ...Object.keys(after.claims)]) as ReadonlySet<Platform>;
  return [...platforms].flatMap((platform) => {
    const [from, to]: readonly ExpectedClaims[] = [before.claims[platform] ?? {}, after.claims[platform] ?? {}];
    const names = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
    return [...names].map((name): Paths[number] => {
      const [own, other] = [from?.[name], to?.[name]];
      return [`claims.${platform}.${name}`, expectation(own, other), own, other];
    });
  });
}

/** No expectation accepts every value; two of one kind can be compared, others are told apart only. */
function expectation(before: Expectation | undefined, after: Expectation | undefined): Order {
  if (before === undefined || after === undefined)
    return rising(Number(before !== undefined), Number(after !== undefined));
  const [from, to] = [before, after].map(values);
  if (from !== undefined && to !== undefined) return subset(from, to);
  if (typeof before === "object" && "minimum" in before && typeof after === "object" && "minimum" in after) {
    return rising(before.minimum, after.minimum);
  }
  return canonicalJson(before as Json) === canonicalJson(after as Json) ? "same" : "different";
}

function values(expected: Expectation): readonly (string | number)[] | undefined {
  if (typeof expected !== "object") return [expected];
  return "minimum" in expected || "mask" in expected ? undefined : expected;
}

function together(orders: readonly Change[]): Order {
  const [first] = orders;
  return first === undefined ? "same" : orders.every((order) => order === first) ? first : "different";
}

/** More is stricter. */
function rising(before: number, after: number): Order {
  return before === after ? "same" : after > before ? "stricter" : "looser";
}

/** Lists of which an empty one stands for everything. */
function onlyThese(before: readonly string[], after: readonly string[]): Order {
  return narrowed(before.length === 0 ? null : before, after.length === 0 ? null : after);
}

/** Lists of which null stands for everything. */
function narrowed(before: readonly string[] | null, after: readonly string[] | null): Order {
  if (before === null || after === null) return rising(Number(before !== null), Number(after !== null));
  return subset(before, after);
}

/** Less is stricter. */
function subset<T>(before: readonly T[], after: readonly T[]): Order {
  const kept = after.every((item) => before.includes(item));
  const lost = before.some((item) => !after.includes(item));
  if (kept) return lost ? "stricter" : "same";
  return lost ? "different" : "looser";
}
