/** The simulated vendor's remote attestation service: verifies reports as anybody would, and signs what it found as tokens. */
import { createPublicKey, randomUUID, sign } from "node:crypto";
import { sha256 } from "#crypto";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import { CloisterError } from "../../../errors.ts";
import type { NvidiaEndorsements } from "../../../evidence/nvidia/endorsements.ts";
import { OPAQUE, textOf, vbiosVersionOf } from "../../../evidence/nvidia/opaque.ts";
import { parseDeviceReport } from "../../../evidence/nvidia/report.ts";
import { DEFAULT_POLICY } from "../../../verifier/policy.ts";
import type { AttestationResult } from "../../../verifier/result.ts";
import { verifyEvidence } from "../../../verifier/verify.ts";
import type { GpuReport } from "../../gpu.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { PUBLISHED_VERSIONS } from "./firmware.ts";
import type { NvidiaComponent } from "./firmware.ts";
import { ocspResponsesFor, rimChain } from "./ocsp.ts";
import { issueRim } from "./rim.ts";
import { nvidiaDeviceTrustRoot, nvidiaRimTrustRoot } from "./vendor.ts";
import type { NvidiaVendor } from "./vendor.ts";

/** What a client asks: reports of devices over one nonce of 32 bytes. */
export interface NrasRequest {
  readonly nonce: Uint8Array;
  readonly devices: readonly GpuReport[];
}

/** One token of all devices together, and one for each by its name. */
export interface NrasTokens {
  readonly token: string;
  readonly devices: Readonly<Record<string, string>>;
}

/** What can be wrong with tokens; each is what a lying service or somebody in its place could send. */
export interface NrasDefects {
  /** Signed by a key that is not in the service's key set. */
  readonly forgedSignature?: boolean;
  /** Names a key that is not in the service's key set. */
  readonly unknownKey?: boolean;
  /** The tokens ended an hour ago. */
  readonly expired?: boolean;
  /** The tokens are of a request with this nonce. */
  readonly nonce?: Uint8Array;
  /** The token of all devices names another token for each. */
  readonly otherDevices?: boolean;
}

export interface NrasOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly defects?: NrasDefects;
}

/** The one issuer that verifiers of tokens know: what says SIMULATED is the key that signs. */
const ISSUER = "https://nras.attestation.nvidia.com";
const KEY_ID = "SIMULATED-nv-eat-kid-1";
const HOUR = 3600;
/** Which claim of a GPU's token says what each check found. */
const CLAIMS = {
  "evidence-format": ["attestation-report-parsed"],
  "device-kind": ["arch-check"],
  "report-signature": ["attestation-report-signature-verified"],
  nonce: ["attestation-report-nonce-match"],
  "firmware-id": ["attestation-report-cert-chain-fwid-match"],
  "driver-rim": ["driver-rim-fetched", "driver-rim-signature-verified", "driver-rim-version-match"],
  "vbios-rim": ["vbios-rim-fetched", "vbios-rim-signature-verified", "vbios-rim-version-match"],
  "reference-measurements": ["vbios-index-no-conflict"],
} as const satisfies Record<string, readonly string[]>;

/** The service's JSON Web Key Set. @see RFC 7517 section 5 */
export function nrasKeySet(vendor: NvidiaVendor): Uint8Array {
  const key = createPublicKey(tokenKey(vendor)).export({ format: "jwk" });
  return utf8(JSON.stringify({ keys: [{ ...key, kid: KEY_ID, alg: "ES384", use: "sig" }] }));
}

/**
 * Verifies GPUs' reports under the vendor's own roots, manifests and certificate statuses, and signs the results.
 * @see NVIDIA Remote Attestation Service, claims version 3.0; RFC 9711
 */
export async function attestGpus(
  vendor: NvidiaVendor,
  request: NrasRequest,
  options: NrasOptions,
): Promise<NrasTokens> {
  const { defects = {} } = options;
  const common = commonClaims(request, options);
  const results = await Promise.all(request.devices.map((device) => resultOf(vendor, device, request.nonce, options)));
  const tokens = results.map(
    (result, index) => [`GPU-${index}`, jwt(vendor, { ...common, ...deviceClaims(result) }, defects)] as const,
  );
  const named = defects.otherDevices === true ? tokens.map(([name]) => [name, "another"] as const) : tokens;
  const token = jwt(
    vendor,
    {
      ...common,
      sub: "SIMULATED-NVIDIA-PLATFORM-ATTESTATION",
      "x-nvidia-ver": "3.0",
      "x-nvidia-overall-att-result": results.length > 0 && results.every(isGood),
      submods: Object.fromEntries(named.map(([name, text]) => [name, ["DIGEST", ["SHA-256", digestOf(text)]]])),
    },
    defects,
  );
  return { token, devices: Object.fromEntries(tokens) };
}

async function resultOf(
  vendor: NvidiaVendor,
  { evidence, certChain }: GpuReport,
  nonce: Uint8Array,
  { now }: NrasOptions,
): Promise<AttestationResult> {
  return verifyEvidence(evidence, {
    endorsements: { nvidia: { certChain, ...endorsementsFor(vendor, { evidence, certChain }, now) } },
    trustRoots: [nvidiaDeviceTrustRoot(vendor), nvidiaRimTrustRoot(vendor)],
    now,
    policy: { ...DEFAULT_POLICY, allowSimulated: true, platforms: ["nvidia-gpu"] },
    expectedNonce: nonce,
  });
}

/** What the vendor knows of a device by its report; nothing where report or chain cannot be read. */
function endorsementsFor(vendor: NvidiaVendor, { evidence, certChain }: GpuReport, now: number): NvidiaEndorsements {
  try {
    const { opaque } = parseDeviceReport(evidence);
    const driver = textOf(opaque.get(OPAQUE.driverVersion)) ?? "";
    const vbios = vbiosVersionOf(opaque.get(OPAQUE.vbiosVersion)) ?? "";
    const [driverRim, vbiosRim] = [rimOf(vendor, "driver", driver), rimOf(vendor, "vbios", vbios)];
    return {
      ...(driverRim && { driverRim }),
      ...(vbiosRim && { vbiosRim }),
      ocspResponses: [certChain, rimChain(vendor)].flatMap((chain) => ocspResponsesFor(vendor, chain, { now })),
    };
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    return {};
  }
}

function rimOf(vendor: NvidiaVendor, component: NvidiaComponent, version: string): Uint8Array | undefined {
  const published: readonly string[] = PUBLISHED_VERSIONS[component];
  return published.includes(version) ? issueRim(vendor, { kind: "gpu", component, version }) : undefined;
}

function commonClaims({ nonce }: NrasRequest, { now, defects = {} }: NrasOptions): Readonly<Record<string, unknown>> {
  const issuedAt = Math.floor(now / 1000) - (defects.expired === true ? 2 * HOUR : 0);
  return {
    iss: ISSUER,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + HOUR,
    jti: randomUUID(),
    eat_nonce: toHex(defects.nonce ?? nonce).slice(2),
  };
}

/** A check that failed or was not made is false. */
function deviceClaims(result: AttestationResult): Readonly<Record<string, unknown>> {
  const outcomes = new Map(result.checks.map(({ id, outcome }) => [id, outcome]));
  const found = Object.entries(CLAIMS).flatMap(([id, names]) =>
    names.map((name) => [`x-nvidia-gpu-${name}`, outcomes.get(id) === "pass"] as const),
  );
  const details = result.claims?.details ?? {};
  return {
    ...Object.fromEntries(found),
    measres: isGood(result) ? "success" : "fail",
    secboot: isGood(result),
    dbgstat: result.claims?.debug === false ? "disabled" : "enabled",
    hwmodel: "GH100 A01 GSP BROM SIMULATED",
    ueid: result.claims?.platformId ?? null,
    "x-nvidia-gpu-driver-version": details["driverVersion"] ?? null,
    "x-nvidia-gpu-vbios-version": details["vbiosVersion"] ?? null,
  };
}

function isGood({ verdict }: AttestationResult): boolean {
  return verdict === "affirming";
}

/** @see RFC 7515 section 3.1; RFC 7518 section 3.4 */
function jwt(vendor: NvidiaVendor, payload: object, defects: NrasDefects): string {
  const header = { kid: defects.unknownKey === true ? "SIMULATED-unknown" : KEY_ID, alg: "ES384" };
  const signed = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const key = tokenKey(vendor, defects.forgedSignature === true ? "nras/forger" : "nras");
  const signature = sign("sha384", utf8(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

function digestOf(text: string): string {
  return toHex(sha256(utf8(text))).slice(2);
}

function tokenKey({ seed }: NvidiaVendor, name = "nras"): ReturnType<typeof p384Key> {
  return p384Key(deriveP384(seed, name));
}
