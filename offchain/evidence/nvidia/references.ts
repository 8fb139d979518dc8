import { EndorsementError, EvidenceError } from "../../errors.ts";
import { asEndorsement, need } from "../check-log.ts";
import { NVIDIA_CHECKS } from "./checks.ts";
import type { NvidiaContext } from "./context.ts";
import type { DeviceChain } from "./device-chain.ts";
import { OPAQUE, textOf, vbiosVersionOf } from "./opaque.ts";
import type { DeviceReport } from "./report.ts";
import { checkRevocation, questionsOf, type AnsweredStatus } from "./revocation.ts";
import { compareMeasurements, type Comparison, type RimRole } from "./rim-compare.ts";
import { verifyRim, type SignedManifest } from "./rim-verify.ts";

/** What the vendor's manifests say of a device. */
export interface DeviceReferences {
  /** Those given that hold, by what they speak for. */
  readonly manifests: ReadonlyMap<RimRole, SignedManifest>;
  /** Whether every measurement that the vendor publishes for the device was compared and is as published. */
  readonly isCompared: boolean;
  /** Milliseconds since 1970: the earliest end of manifests and answers; infinite without any. */
  readonly validUntil: number;
  /** Milliseconds since 1970: the earliest issue of an answer on the manifests' signers; infinite without any. */
  readonly issuedAt: number;
}

/** A report that is verified as far as its chain and signature hold. */
export interface ReportedDevice {
  readonly report: DeviceReport;
  readonly chain: DeviceChain | undefined;
  /** True where the report's signature holds. */
  readonly isSigned: true | undefined;
}

const RIM_ROLES: readonly RimRole[] = ["driver", "vbios"];
const ROLES = { driver: "driverRim", vbios: "vbiosRim" } as const satisfies Record<RimRole, string>;
const NEEDED: Readonly<Record<DeviceReport["kind"], readonly RimRole[]>> = {
  gpu: ["driver", "vbios"],
  switch: ["vbios"],
};

/**
 * Verifies the manifests given and compares the report's measurements with them, one by one. Without a manifest that the device
 * calls for, the comparison is not made, with a warning; with one that does not hold, it is not made and nothing is said of the device.
 */
export async function checkReferences(device: ReportedDevice, context: NvidiaContext): Promise<DeviceReferences> {
  const { log, endorsements } = context;
  const manifests = new Map<RimRole, SignedManifest>();
  for (const role of RIM_ROLES) {
    const bytes = endorsements[ROLES[role]];
    const signed = bytes && (await checkManifest({ role, bytes }, device, context));
    if (signed !== undefined) manifests.set(role, signed);
  }
  const answered = await checkSigners(manifests, context);
  const missing = NEEDED[device.report.kind].filter((role) => endorsements[ROLES[role]] === undefined);
  if (missing.length > 0) {
    const what = `no reference integrity manifest of ${missing.join(" and ")} was given`;
    log.warnOf(NVIDIA_CHECKS.referenceMeasurements, what);
  }
  const comparison = missing.length > 0 ? undefined : await compare(device, manifests, context);
  const ends = [...manifests.values()].flatMap(({ chain }) => chain.certificates.map(({ notAfter }) => notAfter));
  return {
    manifests,
    isCompared: comparison?.mismatches.length === 0,
    validUntil: Math.min(...ends, answered?.validUntil ?? Number.POSITIVE_INFINITY),
    issuedAt: answered?.issuedAt ?? Number.POSITIVE_INFINITY,
  };
}

async function compare(
  { report, isSigned }: ReportedDevice,
  manifests: ReadonlyMap<RimRole, SignedManifest>,
  { log }: NvidiaContext,
): Promise<Comparison | undefined> {
  const { id, reference } = NVIDIA_CHECKS.referenceMeasurements;
  let comparison: Comparison | undefined;
  await log.check({ id, reference }, () => {
    need(isSigned, "the report's signature");
    const named = NEEDED[report.kind].map(
      (role) => [role, need(manifests.get(role), `the ${role} manifest`).manifest] as const,
    );
    const unknown = named.flatMap(([, { unknownTypes }]) => unknownTypes);
    if (unknown.length > 0) {
      throw new EndorsementError(
        "ENDORSEMENT_UNAVAILABLE",
        `not checked: a manifest names ${unknown.join(", ")}, which is not known`,
      );
    }
    const found = compareMeasurements(report, new Map(named));
    comparison = found;
    if (found.mismatches.length > 0) {
      throw new EvidenceError(
        "BINDING_MISMATCH",
        `${found.mismatches.length} of ${found.compared} measurements are not as published`,
      );
    }
    return { value: found, detail: `${found.compared} measurements are as published` };
  });
  for (const { block, detail } of comparison?.mismatches ?? []) {
    await log.check({ id: `${id}/${block}`, reference }, () => {
      throw new EvidenceError("BINDING_MISMATCH", detail);
    });
  }
  return comparison;
}

async function checkManifest(
  { role, bytes }: { readonly role: RimRole; readonly bytes: Uint8Array },
  { report, chain }: ReportedDevice,
  { log, chains, referenceRoots, now }: NvidiaContext,
): Promise<SignedManifest | undefined> {
  return log.check(NVIDIA_CHECKS[ROLES[role]], () =>
    asEndorsement(`${role} manifest`, async () => {
      const value = await verifyRim(bytes, chains, { roots: referenceRoots, now });
      checkSubject(role, value, report, need(chain, "the device chain"));
      const { product, version } = value.manifest;
      return { value, detail: `${product} ${version}, signed under ${value.chain.root.name}` };
    }),
  );
}

/** The manifest must be for what the device says it runs. */
function checkSubject(role: RimRole, { manifest }: SignedManifest, report: DeviceReport, chain: DeviceChain): void {
  const { opaque } = report;
  const running =
    role === "driver" ? textOf(opaque.get(OPAQUE.driverVersion)) : vbiosVersionOf(opaque.get(OPAQUE.vbiosVersion));
  const [chip = ""] = (chain.leaf.subject.commonName ?? "").split(" ");
  if (!NEEDED[report.kind].includes(role)) throw mismatch(`a ${report.kind} has no ${role}`);
  if (running === undefined || running.toUpperCase() !== manifest.version.toUpperCase()) {
    throw mismatch(`it is of ${manifest.version}, the device runs ${running ?? "an unknown version"}`);
  }
  if (role === "driver" && chip !== manifest.product) throw mismatch(`it is for ${manifest.product}, not for ${chip}`);
}

function mismatch(message: string): EvidenceError {
  return new EvidenceError("BINDING_MISMATCH", message);
}

/** A signer that is revoked says nothing of the device: its manifest is no endorsement. */
async function checkSigners(
  manifests: ReadonlyMap<RimRole, SignedManifest>,
  context: NvidiaContext,
): Promise<AnsweredStatus | undefined> {
  if (manifests.size === 0) return undefined;
  const questions = [...manifests.values()].flatMap(({ chain }) => questionsOf(chain.certificates, "required"));
  return checkRevocation(NVIDIA_CHECKS.rimRevocation, questions, context, (run) => asEndorsement("manifest", run));
}
