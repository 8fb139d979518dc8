import type { CollateralDefects } from "../../offchain/device/simulated/intel/collateral.ts";
import type { PlatformFile } from "../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform, type PlatformOptions } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice, type QuoteDefects } from "../../offchain/device/simulated/intel/quote.ts";
import type { SimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import { parseHex, utf8 } from "../../offchain/encoding/bytes.ts";
import {
  certificates,
  deployDcap,
  openDcapChain,
  upsertAll,
  type DcapChain,
  type DcapContracts,
} from "./dcap-chain.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "./simulated-intel.ts";

/** Seconds since 1970. */
export const NOW = SIMULATED_NOW / 1000;
export const DAY = 86_400;
/** 64 bytes. */
export const REPORT_DATA = Uint8Array.from({ length: 64 }, (_zero, index) => index + 1);

/** A chain at the time of the simulated vendor, with its contracts and all collateral of both kinds of platform. */
export interface SimulatedDcap extends DcapContracts {
  readonly chain: DcapChain;
  readonly vendor: SimulatedVendor;
}

/** A simulated platform with a quote and the certificates that it carries. */
export interface SimulatedQuote {
  readonly platform: PlatformFile;
  readonly quote: Uint8Array;
  /** PCK, CA and root, DER. */
  readonly pckChain: readonly Uint8Array[];
}

/** Opens a chain for the simulated vendor. */
export async function openSimulatedDcap(): Promise<SimulatedDcap> {
  const chain = await openDcapChain();
  const vendor = testVendor();
  await chain.networkHelpers.time.increaseTo(NOW);
  const contracts = await deployDcap(chain, der(vendor.certificates.root));
  return { chain, vendor, ...contracts };
}

/** The endorsements of a TEE's platforms. */
export function endorsementsOf(
  vendor: SimulatedVendor,
  tee: PlatformFile["tee"],
  options: { now?: number; defects?: CollateralDefects } = {},
) {
  return testEndorsements(vendor, provision(vendor, { tee }), options);
}

/** Brings all collateral for the platforms of both TEEs. */
export async function bringCollateral({ collateral, vendor }: SimulatedDcap): Promise<void> {
  await upsertAll(collateral, endorsementsOf(vendor, "intel-sgx"));
  // The second root list would be no newer.
  const rest = endorsementsOf(vendor, "intel-tdx");
  await upsertAll(collateral, rest, [], 1);
}

/** A platform of a fixed name. */
export function provision(vendor: SimulatedVendor, options: Omit<PlatformOptions, "now">): PlatformFile {
  return provisionPlatform(vendor, { now: SIMULATED_NOW, name: "on chain", ...options });
}

/** Makes a quote over `REPORT_DATA`. */
export async function quoteOf(
  vendor: SimulatedVendor,
  options: Omit<PlatformOptions, "now">,
  defects: QuoteDefects = {},
): Promise<SimulatedQuote> {
  const platform = provision(vendor, options);
  const quote = await simulatedDevice(platform, TEST_MEASUREMENTS, defects).quote(REPORT_DATA);
  return { platform, quote, pckChain: certificates(utf8(platform.pckChain)) };
}

/** Bytes of hex. */
export function der(hex: string): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new Error("no hex");
  return bytes;
}
