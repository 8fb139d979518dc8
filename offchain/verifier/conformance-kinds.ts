import { parseHex, utf8 } from "../encoding/bytes.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import type { Claims, TrustRoot } from "../evidence/scheme.ts";
import { ccaFields, platformRoots } from "./cca-fields.ts";
import { deviceFields } from "./device-fields.ts";
import type { SevSnpEndorsements } from "../evidence/sev-snp/endorsements.ts";
import type { Endorsements } from "./family.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "./policy.ts";
import type { AttestationResult } from "./result.ts";
import { verifyManifest } from "./verify-rim.ts";
import { verifyDeviceTokens } from "./verify-token.ts";
import { verifyEvidence, type VerifyOptions } from "./verify.ts";

/** The bytes of a vector's files by role. */
export type VectorFiles = Readonly<Record<string, Uint8Array>>;

/** What one vector is verified with. */
export interface VectorInput {
  readonly files: VectorFiles;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly trustRoots: readonly TrustRoot[];
  readonly allowDebug: boolean;
  readonly allowSimulated: boolean;
  /** The manifest's `fields`: an input only where they say what the verifier expects, such as a nonce. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What is compared of a result. */
export type VectorResult = Pick<AttestationResult, "verdict" | "claims" | "failures">;

/** How vectors of one platform and kind are verified and compared. */
export interface VectorKind {
  readonly verify: (input: VectorInput) => Promise<VectorResult>;
  /** Claims under the manifest's names where those are not the names of measurements and details. */
  readonly fields?: (claims: Claims) => Readonly<Record<string, unknown>>;
  /** Names of `fields` that are no claims of evidence. */
  readonly uncompared?: readonly string[];
}

interface EvidenceKind {
  /** The role of the file that is the evidence. */
  readonly role: string;
  readonly endorsements: (files: VectorFiles) => Endorsements;
  readonly policy?: Partial<AppraisalPolicy>;
  readonly expect?: (
    fields: VectorInput["fields"],
  ) => Partial<Pick<VerifyOptions, "expectedReportData" | "expectedNonce">>;
}

const DCAP_ROLES: readonly (keyof DcapEndorsements)[] = [
  "tcbInfo",
  "qeIdentity",
  "tcbSigningChain",
  "qeIdentityIssuerChain",
  "pckCrl",
  "pckCrlIssuerChain",
  "rootCaCrl",
  "pckCertChain",
];
const QUOTE: EvidenceKind = {
  role: "quote",
  endorsements: (files) => ({ dcap: filesOf(files, DCAP_ROLES) }),
};
const QUOTE_WITH_COLLATERAL: VectorKind = { verify: asEvidence(QUOTE) };
const QUOTE_ONLY: VectorKind = { verify: asEvidence({ ...QUOTE, policy: { endorsements: "quote-only" } }) };

const DEVICE_REPORT: VectorKind = {
  verify: asEvidence({
    role: "report",
    endorsements: ({ certChain }) => ({ nvidia: certChain === undefined ? {} : { certChain } }),
    expect: ({ expectedNonce }) => {
      const nonce = typeof expectedNonce === "string" ? parseHex(`0x${expectedNonce}`) : undefined;
      return nonce === undefined ? {} : { expectedNonce: nonce };
    },
  }),
  fields: deviceFields,
  uncompared: ["expectedNonce"],
};

const MANIFEST: VectorKind = {
  verify: async ({ files, now, trustRoots }) => {
    const { rim = new Uint8Array() } = files;
    return { ...(await verifyManifest(rim, { trustRoots, now })), claims: null };
  },
};

const SEV_SNP_ROLES: readonly (keyof SevSnpEndorsements)[] = ["vek", "ask", "ark", "crl"];
const SEV_SNP_REPORT: VectorKind = {
  verify: asEvidence({ role: "report", endorsements: (files) => ({ sevSnp: filesOf(files, SEV_SNP_ROLES) }) }),
  fields: ({ details }) => ({ vek: detailsUnder("vek", details), reportedTcb: detailsUnder("reportedTcb", details) }),
};

const CCA_TOKEN: VectorKind = {
  verify: asCcaToken,
  fields: ccaFields,
  // Said of the token by whoever made the set; of accepted evidence both must be true.
  uncompared: ["bindingHolds", "realmSignatureHolds"],
};

/** By platform and kind of the manifest; what is not here is unsupported. */
export const VECTOR_KINDS: Readonly<Record<string, VectorKind>> = {
  "intel-sgx quote+collateral": QUOTE_WITH_COLLATERAL,
  "intel-tdx quote+collateral": QUOTE_WITH_COLLATERAL,
  "intel-sgx quote-only": QUOTE_ONLY,
  "intel-tdx quote-only": QUOTE_ONLY,
  "aws-nitro attestation-doc": {
    verify: asEvidence({ role: "document", endorsements: () => ({}) }),
    fields: nitroFields,
  },
  "arm-cca token": CCA_TOKEN,
  "nvidia-gpu spdm-evidence": DEVICE_REPORT,
  "nvidia-switch spdm-evidence": DEVICE_REPORT,
  "amd-sev-snp report+chain": SEV_SNP_REPORT,
  "nvidia-gpu rim": MANIFEST,
  "nvidia-switch rim": MANIFEST,
  "nvidia-nras jwt": { verify: asToken },
};

/** The key that a vector gives is the only root there is: it certifies nothing but itself. */
function asCcaToken(input: VectorInput): Promise<VectorResult> {
  const { platformKey } = input.files;
  const endorsements = { cca: platformKey === undefined ? {} : { platformKey } };
  const verify = asEvidence({ role: "token", endorsements: () => endorsements });
  return verify({ ...input, trustRoots: platformRoots(platformKey), allowSimulated: true });
}

/** No key of the attestation service is public, so that no token can be verified. */
async function asToken({ files, now }: VectorInput): Promise<VectorResult> {
  const { token = new Uint8Array() } = files;
  return { ...(await verifyDeviceTokens({ token }, { keys: utf8('{"keys":[]}'), now })), claims: null };
}

/** Verifies a vector's evidence as anyone would, under the default policy. */
function asEvidence({ role, endorsements, policy, expect }: EvidenceKind): VectorKind["verify"] {
  return ({ files, now, trustRoots, allowDebug, allowSimulated, fields }) =>
    verifyEvidence(files[role] ?? new Uint8Array(), {
      endorsements: endorsements(files),
      trustRoots,
      now,
      policy: { ...DEFAULT_POLICY, ...policy, allowDebug, allowSimulated },
      ...expect?.(fields),
    });
}

function filesOf(files: VectorFiles, roles: readonly string[]): VectorFiles {
  return Object.fromEntries(Object.entries(files).filter(([role]) => roles.includes(role)));
}

/** The manifest cuts a public key off after this many hex digits; the claim itself is never cut. */
const PUBLIC_KEY_DIGITS = 200;

/** Registers by their number alone, and as much of the public key as the manifest has room for. */
function nitroFields({ measurements, details }: Claims): Readonly<Record<string, unknown>> {
  const { publicKey } = details;
  return {
    pcrs: Object.fromEntries(Object.entries(measurements).map(([name, value]) => [name.replace(/^pcr/, ""), value])),
    publicKey: typeof publicKey === "string" ? publicKey.slice(0, PUBLIC_KEY_DIGITS) : undefined,
  };
}

/** The details whose names begin with a word, by the rest of their names: `vekHwid` as `hwid`. */
function detailsUnder(word: string, details: Claims["details"]): Claims["details"] {
  const under = Object.entries(details).filter(([name]) => name.startsWith(word) && name.length > word.length);
  return Object.fromEntries(
    under.map(([name, value]) => [name.charAt(word.length).toLowerCase() + name.slice(word.length + 1), value]),
  );
}
