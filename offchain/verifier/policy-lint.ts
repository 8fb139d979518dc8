import type { ExpectedClaims, Expectation } from "./expectation.ts";
import type { AppraisalPolicy } from "./policy.ts";
import { layersOf, type Policy } from "./policy-layers.ts";

/** A choice of a policy that accepts more than its author may think. */
export interface Weakness {
  /** A stable kebab-case name, such as `signer-only`. */
  readonly id: string;
  /** Such as `policy.measurements[0]`. */
  readonly path: string;
  readonly reason: string;
}

interface Judge {
  readonly id: string;
  readonly reason: string;
  /** The members, under the policy's own path, that are weak. */
  readonly weak: (policy: AppraisalPolicy) => readonly string[];
}

const OUT_OF_DATE = ["OutOfDate", "OutOfDateConfigurationNeeded"] as const;
const MAX_SENSIBLE_AGE = 7 * 86_400;
const SGX_DEBUG = 0x02;
const TD_DEBUG = 0x01;

const JUDGES: readonly Judge[] = [
  {
    id: "debug",
    reason: "the host reads everything that a debug guest does; nothing is confidential",
    weak: ({ allowDebug }) => (allowDebug ? ["allowDebug"] : []),
  },
  {
    id: "simulated",
    reason: "anyone can make evidence of a simulated vendor; it proves nothing about hardware",
    weak: ({ allowSimulated }) => (allowSimulated ? ["allowSimulated"] : []),
  },
  {
    id: "any-workload",
    reason: "any program on genuine hardware is accepted: name measurements or workload ids",
    weak: ({ measurements, workloadIds }) => (measurements.length + workloadIds.length === 0 ? ["measurements"] : []),
  },
  {
    id: "signer-only",
    reason:
      "whoever has the signing key can run any program, and old ones too: name mrenclave, or isvprodid and a least isvsvn",
    weak: ({ measurements }) => places(measurements, isSignerOnly),
  },
  {
    id: "boot-only",
    reason: "mrtd alone is the firmware: what it boots is in rtmr1 and rtmr2",
    weak: ({ measurements }) => places(measurements, (set) => "mrtd" in set && !("rtmr1" in set && "rtmr2" in set)),
  },
  {
    id: "masked-digest",
    reason: "bits of a digest that do not count can be chosen by an attacker",
    weak: ({ measurements }) => places(measurements, (set) => Object.entries(set).some(isMaskedDigest)),
  },
  {
    id: "quote-only",
    reason: "without endorsements nothing says whether the platform was revoked or is out of date",
    weak: ({ endorsements }) => (endorsements === "quote-only" ? ["endorsements"] : []),
  },
  {
    id: "revocation",
    reason: "evidence of AMD and NVIDIA is accepted, with a warning, where nobody looked whether its keys were revoked",
    weak: ({ revocation }) => (revocation === "warn" ? ["revocation"] : []),
  },
  {
    id: "reference-measurements",
    reason: "a node's device is accepted, with a warning, whose firmware was not compared with its vendor's manifests",
    weak: ({ gpu }) => (gpu.referenceMeasurements === "warn" ? ["gpu.referenceMeasurements"] : []),
  },
  {
    id: "out-of-date",
    reason: "platforms with known vulnerabilities for which updates exist are accepted, with a warning",
    weak: ({ tcbStatuses }) => (OUT_OF_DATE.some((status) => tcbStatuses.includes(status)) ? ["tcbStatuses"] : []),
  },
  {
    id: "service-td",
    reason: "a service TD or a migration agent may move a guest with its memory, and none is named",
    weak: ({ allowServiceTd, claims }) =>
      allowServiceTd && claims["intel-tdx"]?.["mrservicetd"] === undefined ? ["allowServiceTd"] : [],
  },
  {
    id: "evidence-age",
    reason: "evidence of any age, or of more than seven days, is accepted",
    weak: ({ maximumEvidenceAge: age }) => (age === null || age > MAX_SENSIBLE_AGE ? ["maximumEvidenceAge"] : []),
  },
  {
    id: "snp-floor",
    reason: "AMD states no TCB status: without a floor every old firmware is accepted",
    weak: ({ minimumSevSnpTcb, platforms }) =>
      Object.keys(minimumSevSnpTcb).length === 0 && accepts(platforms, "amd-sev-snp") ? ["minimumSevSnpTcb"] : [],
  },
  {
    id: "debug-never",
    reason: "this asks for the debug bit, which only allowDebug accepts: nothing can meet it",
    weak: ({ claims, allowDebug }) => (allowDebug ? [] : debugAsked(claims)),
  },
];

/** What of a policy accepts more than it may seem, in every layer that has a say; the deny list of a community is no such. */
export function weaknessesOf(policy: Policy): readonly Weakness[] {
  return layersOf(policy).flatMap(({ layer, policy: own }) =>
    JUDGES.flatMap(({ id, reason, weak }) =>
      weak(own).map((member) => ({
        id,
        path: `${layer === undefined ? "policy" : `policy.layers.${layer}`}.${member}`,
        reason,
      })),
    ),
  );
}

function places(sets: readonly ExpectedClaims[], isWeak: (set: ExpectedClaims) => boolean): readonly string[] {
  return sets.flatMap((set, index) => (isWeak(set) ? [`measurements[${index}]`] : []));
}

/** A product and a least version narrow a signer down to what the key's owner has released since. */
function isSignerOnly(set: ExpectedClaims): boolean {
  return "mrsigner" in set && !("mrenclave" in set) && !("isvprodid" in set && "isvsvn" in set);
}

const NO_DIGESTS: ReadonlySet<string> = new Set(["attributes", "miscselect", "tdAttributes", "xfam", "guestPolicy"]);

function isMaskedDigest([name, expected]: readonly [string, Expectation]): boolean {
  const masked = typeof expected === "object" && "mask" in expected ? expected.mask : undefined;
  return masked !== undefined && !NO_DIGESTS.has(name) && !/^f+$/.test(masked);
}

function accepts(platforms: AppraisalPolicy["platforms"], platform: AppraisalPolicy["platforms"][number]): boolean {
  return platforms.length === 0 || platforms.includes(platform);
}

function debugAsked(claims: AppraisalPolicy["claims"]): readonly string[] {
  const asked: readonly (readonly [string, Expectation | undefined, number])[] = [
    ["claims.intel-sgx.attributes", claims["intel-sgx"]?.["attributes"], SGX_DEBUG],
    ["claims.intel-tdx.tdAttributes", claims["intel-tdx"]?.["tdAttributes"], TD_DEBUG],
  ];
  return asked.flatMap(([path, expected, bit]) => {
    const value = typeof expected === "object" && "value" in expected ? expected.value : expected;
    return typeof value === "string" && (Number.parseInt(value.slice(0, 2), 16) & bit) !== 0 ? [path] : [];
  });
}
