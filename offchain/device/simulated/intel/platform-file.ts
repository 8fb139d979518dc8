import { parseHex } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { ConfigError } from "../../../errors.ts";
import { isScalar } from "./keys.ts";
import { readState } from "./state.ts";
import type { StateReader } from "./state.ts";
import { VENDOR } from "./vendor.ts";
import type { PckCa } from "./vendor.ts";

export type SimulatedTee = "intel-sgx" | "intel-tdx";

/** Everything that a worker process gets of a simulated machine; it holds private keys, but none of the vendor. */
export interface PlatformFile {
  readonly simulated: true;
  readonly vendor: typeof VENDOR;
  readonly tee: SimulatedTee;
  readonly ca: PckCa;
  /** 16 bytes. */
  readonly ppid: Hex;
  /** 6 bytes. */
  readonly fmspc: Hex;
  /** 16 bytes, the SGX component SVNs. */
  readonly cpuSvn: Hex;
  readonly pceSvn: number;
  /** 16 bytes, the TDX component SVNs with the module's SVN and version first. */
  readonly teeTcbSvn: Hex;
  readonly qeIsvSvn: number;
  readonly pckSerial: Hex;
  /** PCK, its CA and the root, PEM. */
  readonly pckChain: string;
  /** P-256 scalars, 32 bytes. */
  readonly pckKey: Hex;
  readonly attestationKey: Hex;
}

/** Writes the file that a worker process reads. */
export function platformToJson(platform: PlatformFile): string {
  return `${prettyJson(platform)}\n`;
}

/** Reads a platform file; throws ConfigError `CONFIG_INVALID` where a field is missing or wrong. */
export function platformFromJson(text: string): PlatformFile {
  const state = readState(text, "the simulated platform file");
  return {
    simulated: state.oneOf("simulated", [true]),
    vendor: state.oneOf("vendor", [VENDOR]),
    tee: state.oneOf("tee", ["intel-sgx", "intel-tdx"]),
    ca: state.oneOf("ca", ["platform", "processor"]),
    ppid: state.hex("ppid", 16),
    fmspc: state.hex("fmspc", 6),
    cpuSvn: state.hex("cpuSvn", 16),
    pceSvn: state.uint("pceSvn", 0xffff),
    teeTcbSvn: state.hex("teeTcbSvn", 16),
    qeIsvSvn: state.uint("qeIsvSvn", 0xffff),
    pckSerial: state.hex("pckSerial", 20),
    pckChain: state.text("pckChain"),
    pckKey: scalar(state, "pckKey"),
    attestationKey: scalar(state, "attestationKey"),
  };
}

function scalar(state: StateReader, name: string): Hex {
  const text = state.hex(name, 32);
  if (isScalar(parseHex(text) ?? new Uint8Array(0))) return text;
  throw new ConfigError("CONFIG_INVALID", `the simulated platform file: ${name} is no private key on P-256`);
}
