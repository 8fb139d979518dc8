import type { Claims, Platform } from "../../evidence/scheme.ts";
import { claimValue, expectationText, isOfDevice, meets } from "../expectation.ts";
import type { AppraisalPolicy } from "../policy.ts";
import { tdAttributesFault, xfamFindings } from "../td-attributes.ts";
import { toHex } from "../../encoding/bytes.ts";
import { fail, HOUSE, isDevice, pass, unasked, warn, type Case, type Finding, type Rule } from "./rule.ts";

const TDX_ABI = "Intel TDX Module ABI Reference Specification, TD_PARAMS ATTRIBUTES and XFAM";

/** What runs there, and how it is configured. */
export const GUEST_RULES: readonly Rule[] = [
  {
    id: "debug",
    reference:
      "Intel SDM volume 3D, SECS ATTRIBUTES; Intel TDX Module, TD ATTRIBUTES; AMD 56860, guest policy; AWS Nitro Enclaves, PCR0; Arm CCA Security Model, CCA platform lifecycle",
    judge: debug,
  },
  { id: "lifecycle", reference: "Arm CCA Security Model, CCA platform lifecycle", judge: lifecycle },
  { id: "td-attributes", reference: TDX_ABI, judge: tdAttributes },
  { id: "service-td", reference: "Intel TDX Module 1.5, MRSERVICETD", judge: serviceTd },
  { id: "migration-agent", reference: "AMD publication 56860, guest policy MIGRATE_MA", judge: migrationAgent },
  { id: "measured", reference: HOUSE, judge: measured },
  { id: "workload", reference: "RFC 9334 section 8.3", judge: workload },
  { id: "report-data", reference: "docs/protocol.md section 3", judge: reportData },
];

const CLAIM_SOURCES: Readonly<Partial<Record<Platform, string>>> = {
  "intel-sgx": "Intel SGX ECDSA Quote Library API, appendix A.4, enclave report body",
  "intel-tdx": "Intel TDX DCAP Quoting Library API, appendix A.3, TD quote body",
  "amd-sev-snp": "AMD publication 56860, ATTESTATION_REPORT",
  "aws-nitro": "AWS Nitro Enclaves Attestation Process, section 2.2",
  "arm-cca": "draft-ffm-rats-cca-token, platform and realm claims",
  "nvidia-gpu": "DMTF DSP0274 1.1, MEASUREMENTS; NVIDIA nvTrust, opaque data",
  "nvidia-switch": "DMTF DSP0274 1.1, MEASUREMENTS; NVIDIA nvTrust, opaque data",
};

/** One rule for each claim that a policy asks of a platform. */
export function claimRules(platform: Platform, policies: readonly AppraisalPolicy[]): readonly Rule[] {
  const names = new Set(policies.flatMap(({ claims }) => Object.keys(claims[platform] ?? {})));
  return [...names].map((name) => ({
    id: `claim-${kebab(name)}`,
    reference: `${CLAIM_SOURCES[platform] ?? HOUSE}, ${name}`,
    judge: (claims, { policy }) => requiredClaim(name, claims, policy),
  }));
}

function requiredClaim(name: string, claims: Claims, policy: AppraisalPolicy): Finding | undefined {
  const expected = policy.claims[claims.platform]?.[name];
  if (expected === undefined) return undefined;
  const value = claimValue(claims, name);
  const detail = `${name} is ${value ?? "not in the evidence"}`;
  return meets(value, expected) ? pass(detail) : fail(`${detail}, expected ${expectationText(expected)}`);
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function debug(claims: Claims, { policy }: Case): Finding {
  if (!claims.debug && claims.details["debugCertified"] === false) {
    return unasked("the certificate does not say: reference measurements would show debug mode");
  }
  if (!claims.debug) return pass("not in debug mode");
  const detail = "debug mode: the host can read everything";
  return policy.allowDebug ? warn(detail) : fail(detail);
}

/** Only a secured platform keeps its promises; debug states are left to `debug`. */
function lifecycle(claims: Claims): Finding | undefined {
  const { lifecycleState: state, lifecycle: value } = claims.details;
  if (typeof state !== "string" || typeof value !== "number") return undefined;
  const detail = `lifecycle 0x${value.toString(16).padStart(4, "0")}: ${state}`;
  if (claims.debug) return unasked(detail);
  return state === "secured" ? pass(detail) : fail(detail);
}

function tdAttributes(claims: Claims, { policy }: Case): Finding | undefined {
  const { tdAttributes: attributes, xfam } = claims.details;
  if (typeof attributes !== "string" || typeof xfam !== "string") return undefined;
  const features = xfamFindings(xfam);
  const fault = tdAttributesFault(attributes, policy.allowDebug) ?? features.fault;
  if (fault !== undefined) return fail(fault);
  return features.unknown === undefined ? pass(`attributes ${attributes}, XFAM ${xfam}`) : warn(features.unknown);
}

function serviceTd(claims: Claims, { policy }: Case): Finding | undefined {
  const { mrservicetd } = claims.measurements;
  if (mrservicetd === undefined) return undefined;
  if (/^0+$/.test(mrservicetd)) return pass("no service TD is bound");
  return policy.allowServiceTd
    ? warn(`service TD ${mrservicetd} is bound`)
    : fail(`service TD ${mrservicetd} is bound`);
}

/** A migration agent may move the guest with its memory, as a service TD may. */
function migrationAgent(claims: Claims, { policy }: Case): Finding | undefined {
  const { migrationAgentAllowed: allowed } = claims.details;
  if (typeof allowed !== "boolean") return undefined;
  if (!allowed) return pass("the guest policy allows no migration agent");
  const detail = "the guest policy allows a migration agent";
  return policy.allowServiceTd ? warn(detail) : fail(detail);
}

/** The measurement that identifies the code, by family. */
const CODE_MEASUREMENTS = ["mrenclave", "mrtd", "measurement", "pcr0", "rim"];

function measured(claims: Claims): Finding {
  if (claims.platform === "aws-nitro" && claims.debug) return unasked("a Nitro enclave in debug mode is not measured");
  if (isDevice(claims)) return deviceMeasured(Object.values(claims.measurements));
  const found = CODE_MEASUREMENTS.filter((name) => claims.measurements[name] !== undefined);
  const zero = found.filter((name) => /^0+$/.test(claims.measurements[name] ?? ""));
  if (found.length === 0 || zero.length > 0) return fail(`nothing was measured: ${zero.join(", ")} is zero`);
  return pass(found.map((name) => `${name} ${claims.measurements[name] ?? ""}`).join(", "));
}

function deviceMeasured(measurements: readonly string[]): Finding {
  const taken = measurements.filter((value) => !/^0*$/.test(value));
  if (taken.length === 0) return fail("nothing was measured: every measurement is zero");
  return pass(`${taken.length} of ${measurements.length} measurements were taken`);
}

/** Nodes and devices are known apart: sets of a device's claims say nothing of nodes, workload ids nothing of devices. */
function workload(claims: Claims, { policy }: Case): Finding {
  const device = isDevice(claims);
  const sets = policy.measurements.filter((set) => isOfDevice(set) === device);
  const ids = device ? [] : policy.workloadIds;
  if (sets.length === 0 && ids.length === 0) return unasked("the policy has no reference values");
  const known = sets.some((set) =>
    Object.entries(set).every(([name, expected]) => meets(claimValue(claims, name), expected)),
  );
  if (known || ids.includes(claims.workloadId)) return pass(`workload ${claims.workloadId} is known`);
  return fail(`workload ${claims.workloadId} is not among the reference values`);
}

function reportData(claims: Claims, { expectedReportData }: Case): Finding {
  if (expectedReportData === undefined) return unasked("no report data was expected");
  const expected = toHex(expectedReportData).slice(2);
  if (claims.reportData === expected) return pass("the report data is as expected");
  return fail(`the report data is ${claims.reportData}, expected ${expected}`, "BINDING_MISMATCH");
}
