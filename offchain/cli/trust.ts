import { parseTrustRoot } from "../client/profile.ts";
import { isObject } from "../encoding/members.ts";
import { CloisterError, ConfigError } from "../errors.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { mapLayers, parsePolicyDocument, type Policy } from "../verifier/policy-layers.ts";
import { trustRootOf, trustRootOfPlatformKey, VENDOR_ROOTS } from "../verifier/trust-roots.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { parseSettings, readFileBytes } from "./files.ts";

/** Whom a check trusts and by which policy. */
export interface Trust {
  readonly trustRoots: readonly TrustRoot[];
  readonly policy: Policy;
}

export interface TrustOptions {
  readonly trustRoot?: readonly string[];
  readonly policy?: string;
}

/**
 * The vendors' roots, those of the files given, and `further` ones; the policy of the file or the default one.
 * Naming a simulated vendor's root is the consent to evidence of that vendor, unless the policy file itself decides.
 * Throws `ConfigError` where a file is none of its kind.
 */
export function readTrust(options: TrustOptions, further: readonly TrustRoot[] = []): Trust {
  const given = [
    ...(options.trustRoot ?? []).flatMap((path) => parseTrustRootFile(readFileBytes(path), path)),
    ...further,
  ];
  const stated = options.policy === undefined ? {} : parseSettings(readFileBytes(options.policy), options.policy);
  const policy = parsePolicyDocument(stated);
  const consented = given.some(({ simulated }) => simulated) && !decides(stated);
  return {
    trustRoots: [...VENDOR_ROOTS, ...given],
    policy: consented ? mapLayers(policy, (own) => ({ ...own, allowSimulated: true })) : policy,
  };
}

/** Whether a policy's document says itself, in whichever layer, if simulated vendors are allowed. */
function decides(stated: unknown): boolean {
  if (!isObject(stated)) return false;
  const layers = isObject(stated["layers"]) ? Object.values(stated["layers"]) : [];
  return [stated, ...layers].some((own) => isObject(own) && Object.hasOwn(own, "allowSimulated"));
}

/**
 * Reads the JSON of one trust root or of a list, a root certificate in PEM or DER, or the public key in PEM of an Arm CCA platform:
 * whoever is no known vendor counts as a simulated one.
 * Throws `ConfigError` `CONFIG_INVALID` that names the file.
 */
export function parseTrustRootFile(bytes: Uint8Array, path: string): readonly TrustRoot[] {
  if (bytes[0] === "{".charCodeAt(0)) return [parseTrustRoot(parseSettings(bytes, path), path)];
  if (bytes[0] === "[".charCodeAt(0)) return parseTrustRoots(parseSettings(bytes, path), path);
  try {
    if (isPem(bytes, "PUBLIC KEY")) return [trustRootOfPlatformKey(bytes, path, true)];
    const [certificate] = isPem(bytes) ? parsePem(bytes, "CERTIFICATE") : [bytes];
    return [trustRootOf(certificate ?? bytes, path, true)];
  } catch (cause) {
    if (!(cause instanceof CloisterError)) throw cause;
    throw new ConfigError(
      "CONFIG_INVALID",
      `${path} is neither a trust root's JSON nor a certificate or a public key`,
      { cause },
    );
  }
}

function parseTrustRoots(json: unknown, path: string): readonly TrustRoot[] {
  if (!Array.isArray(json)) throw new ConfigError("CONFIG_INVALID", `${path} is no list of trust roots`);
  return json.map((root: unknown, index) => parseTrustRoot(root, `${path}[${index}]`));
}
