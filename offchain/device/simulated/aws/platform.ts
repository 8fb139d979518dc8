/** Simulated instances with a Nitro Enclave, and the file that a worker process gets of one. */
import { randomBytes } from "#crypto";
import { toHex, type Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, listField } from "../../../encoding/members.ts";
import { deriveP384, p384Field, p384Key } from "../p384.ts";
import { anyHexField, bytesOf, oneOfField, parseState } from "../state.ts";
import { issueAuthorities, type EnclavePlace } from "./certificates.ts";
import { AWS_VENDOR, type SimulatedAws } from "./vendor.ts";

/**
 * Everything that a worker process gets of a simulated instance: the key that certifies its enclave, as the hypervisor has it,
 * and none of the vendor. It holds for a day, as AWS certifies an instance.
 */
export interface AwsPlatformFile extends EnclavePlace {
  readonly simulated: true;
  readonly vendor: typeof AWS_VENDOR;
  /** DER of root, region, zone and instance. */
  readonly cabundle: readonly Hex[];
  /** P-384 scalars, 48 bytes. */
  readonly instanceKey: Hex;
  readonly enclaveKey: Hex;
}

export interface AwsPlatformOptions {
  /** Milliseconds since 1970: when the instance was certified. */
  readonly now: number;
  /** The same name under the same vendor is the same instance; a new one where not given. */
  readonly name?: string;
}

/** Makes an instance with one enclave and certifies it down from the root. */
export function provisionAwsPlatform(vendor: SimulatedAws, options: AwsPlatformOptions): AwsPlatformFile {
  const name = options.name ?? toHex(randomBytes(16));
  const derive = (label: string): Hex => deriveP384(vendor.seed, `${label}/${name}`);
  const instanceKey = derive("instance");
  const instanceId = `i-0${derive("instance id").slice(2, 18)}`;
  const instance = { instanceId, key: p384Key(instanceKey) };
  const authorities = issueAuthorities(vendor.seed, instance, options.now);
  return {
    simulated: true,
    vendor: AWS_VENDOR,
    instanceId,
    enclaveId: toHex(bytesOf(derive("enclave id")).subarray(0, 8)),
    cabundle: [vendor.root, ...authorities.map(toHex)],
    instanceKey,
    enclaveKey: derive("enclave"),
  };
}

/** Writes the file that a worker process reads. */
export function awsPlatformToJson(platform: AwsPlatformFile): string {
  return `${prettyJson(platform)}\n`;
}

/** Reads a platform file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function awsPlatformFromJson(text: string): AwsPlatformFile {
  return parseState(text, FIELDS, "the simulated AWS platform file");
}

function instanceIdField(value: unknown): string | undefined {
  return typeof value === "string" && /^i-[0-9a-f]{17}$/.test(value) ? value : undefined;
}

const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(AWS_VENDOR),
  instanceId: instanceIdField,
  enclaveId: hexField(8),
  cabundle: listField(8, anyHexField),
  instanceKey: p384Field,
  enclaveKey: p384Field,
};
