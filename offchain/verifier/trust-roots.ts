import { sha256 } from "#crypto";
import { toHex } from "../encoding/bytes.ts";
import type { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";
import { parsePlatformKey } from "../evidence/arm-cca/platform-key.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { parseCertificate } from "../x509/certificate.ts";

/**
 * Intel SGX Root CA: the key of https://certificates.trustedservices.intel.com/IntelSGXRootCA.der
 * (serial 22650cd65a9d3489f383b49552bf501b392706ac).
 */
export const INTEL_ROOT: TrustRoot = {
  name: "Intel SGX Root CA",
  spkiSha256: "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
  simulated: false,
  family: "dcap",
};

/**
 * AWS Nitro Enclaves Root G1, the commercial partition's: the key of root.pem in
 * https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip
 * (serial f93175681b90afe11d46ccb4e4e7f856, certificate SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b).
 */
export const AWS_NITRO_ROOT: TrustRoot = {
  name: "AWS Nitro Enclaves Root G1",
  spkiSha256: "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225",
  simulated: false,
  family: "nitro",
};

/**
 * NVIDIA Device Identity CA: the key of the device root certificate that NVIDIA publishes with its verifiers
 * (https://github.com/NVIDIA/nvtrust, guest_tools/gpu_verifiers/local_gpu_verifier/src/verifier/certs/verifier_device_root.pem).
 */
const NVIDIA_DEVICE_ROOT: TrustRoot = {
  name: "NVIDIA Device Identity CA",
  spkiSha256: "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4",
  simulated: false,
  family: "nvidia",
  purpose: "evidence",
};

/**
 * NVIDIA CoRIM signing Root CA, which the reference integrity manifests of every chip family end at: the key of the root
 * certificate that NVIDIA publishes with its verifiers
 * (https://github.com/NVIDIA/nvtrust, guest_tools/gpu_verifiers/local_gpu_verifier/src/verifier/certs/verifier_RIM_root.pem;
 * serial 45dae3a00e5037bddf875375ecb5e270).
 */
const NVIDIA_RIM_ROOT: TrustRoot = {
  name: "NVIDIA CoRIM signing Root CA",
  spkiSha256: "dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3",
  simulated: false,
  family: "nvidia",
  purpose: "reference-values",
};

/** AMD Root Keys, one per product: the keys of https://kdsintf.amd.com/vcek/v1/{Milan,Genoa,Turin}/cert_chain. */
const AMD_ROOTS: readonly TrustRoot[] = [
  amdRoot("ARK-Milan", "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"),
  amdRoot("ARK-Genoa", "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"),
  amdRoot("ARK-Turin", "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"),
];

const FAMILIES = ["dcap", "sevSnp", "nitro", "nvidia", "cca"] as const;
const PURPOSES = ["evidence", "reference-values"] as const;

/** Every vendor's roots. */
export const VENDOR_ROOTS: readonly TrustRoot[] = [
  INTEL_ROOT,
  ...AMD_ROOTS,
  AWS_NITRO_ROOT,
  NVIDIA_DEVICE_ROOT,
  NVIDIA_RIM_ROOT,
];

function amdRoot(name: string, spkiSha256: string): TrustRoot {
  return { name, spkiSha256, simulated: false, family: "sevSnp" };
}

/** The root whose key a DER certificate carries; throws `EvidenceError` where that is no certificate. */
export function trustRootOf(certificate: Uint8Array, name: string, simulated: boolean): TrustRoot {
  return { name, simulated, spkiSha256: spkiHash(parseCertificate(certificate).publicKey.spki) };
}

/**
 * An Arm CCA platform's key as a root: nobody has certified it, so that each platform is trusted by itself. Throws `EvidenceError`
 * where the bytes are no public key on P-256 or P-384.
 */
export function trustRootOfPlatformKey(platformKey: Uint8Array, name: string, simulated: boolean): TrustRoot {
  return { name, simulated, spkiSha256: spkiHash(parsePlatformKey(platformKey).spki), family: "cca" };
}

function spkiHash(spki: Uint8Array): string {
  return toHex(sha256(spki)).slice(2);
}

/** Reads a trust root as JSON has it; throws what `fields` throw, and `ConfigError` `CONFIG_INVALID` for an unknown family or purpose. */
export function readTrustRoot(fields: JsonFields): TrustRoot {
  const spkiSha256 = toHex(fields.hex("spkiSha256", { prefix: false, length: 32 })).slice(2);
  return {
    name: fields.text("name"),
    spkiSha256,
    simulated: fields.boolean("simulated"),
    ...(fields.has("family") && { family: oneOf(FAMILIES, fields.text("family")) }),
    ...(fields.has("purpose") && { purpose: oneOf(PURPOSES, fields.text("purpose")) }),
  };
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new ConfigError("CONFIG_INVALID", `a trust root of ${text}: ${known.join(", ")}`);
  return found;
}
