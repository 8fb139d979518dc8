/** Makes simulated machines and reads their files, whichever vendor they are of. */
import { utf8 } from "../../encoding/bytes.ts";
import { isObject, parseJson } from "../../encoding/members.ts";
import { ConfigError } from "../../errors.ts";
import { amdPlatformFromJson, amdPlatformToJson, provisionAmdPlatform } from "./amd/platform.ts";
import { AMD_VENDOR, amdVendorFromJson } from "./amd/vendor.ts";
import { awsPlatformFromJson, awsPlatformToJson, provisionAwsPlatform } from "./aws/platform.ts";
import { AWS_VENDOR, awsVendorFromJson } from "./aws/vendor.ts";
import { platformFromJson, platformToJson, type SimulatedTee } from "./intel/platform-file.ts";
import { provisionPlatform } from "./intel/platform.ts";
import { VENDOR, vendorFromJson } from "./intel/vendor.ts";
import type { SimulatedPlatform } from "./measure.ts";
import type { SimulatedKind } from "./open.ts";

/** A machine's file, as it is written, and the kind of device that opens it. */
export interface Machine {
  readonly kind: SimulatedKind;
  readonly json: string;
}

export interface MachineOptions {
  /** The vendor's first platform where not given. */
  readonly platform?: SimulatedPlatform;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The same name under the same vendor is the same machine. */
  readonly name: string;
}

interface Vendor {
  readonly kind: SimulatedKind;
  readonly platforms: readonly SimulatedPlatform[];
  readonly provision: (vendorJson: string, options: MachineOptions) => string;
  /** Reads a machine's file and writes it again. */
  readonly again: (json: string) => string;
}

/** By the member `vendor` of their files. */
const VENDORS: Readonly<Record<string, Vendor>> = {
  [VENDOR]: {
    kind: "simulated-intel",
    platforms: ["intel-tdx", "intel-sgx"],
    provision: (json, { platform = "intel-tdx", ...options }) =>
      platformToJson(provisionPlatform(vendorFromJson(json), { ...options, tee: platform as SimulatedTee })),
    again: (json) => platformToJson(platformFromJson(json)),
  },
  [AMD_VENDOR]: {
    kind: "simulated-amd",
    platforms: ["amd-sev-snp"],
    provision: (json, { name }) => amdPlatformToJson(provisionAmdPlatform(amdVendorFromJson(json), { name })),
    again: (json) => amdPlatformToJson(amdPlatformFromJson(json)),
  },
  [AWS_VENDOR]: {
    kind: "simulated-aws",
    platforms: ["aws-nitro"],
    provision: (json, options) => awsPlatformToJson(provisionAwsPlatform(awsVendorFromJson(json), options)),
    again: (json) => awsPlatformToJson(awsPlatformFromJson(json)),
  },
};

/**
 * Has the vendor of a state file make a machine; throws ConfigError `CONFIG_INVALID` where the file is no simulated vendor's or the
 * vendor has no such platform.
 */
export function provisionMachine(vendorJson: string, options: MachineOptions): Machine {
  const { kind, platforms, provision } = vendorOf(vendorJson);
  if (options.platform !== undefined && !platforms.includes(options.platform)) {
    throw invalid(`this vendor makes ${platforms.join(" and ")}, not ${options.platform}`);
  }
  return { kind, json: provision(vendorJson, options) };
}

/** Reads a machine's file; throws ConfigError `CONFIG_INVALID`. */
export function readMachine(json: string): Machine {
  const { kind, again } = vendorOf(json);
  return { kind, json: again(json) };
}

function vendorOf(json: string): Vendor {
  const state = parseJson(utf8(json), "the simulated vendor's or machine's file", invalid);
  const name = isObject(state) ? state["vendor"] : undefined;
  const vendor = typeof name === "string" && Object.hasOwn(VENDORS, name) ? VENDORS[name] : undefined;
  if (vendor === undefined) throw invalid("a file of no simulated vendor");
  return vendor;
}

function invalid(message: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", message);
}
