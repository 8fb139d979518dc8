import type { Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, integerField, textField } from "../../../encoding/members.ts";
import { isScalar } from "./keys.ts";
import { bytesOf, oneOfField, parseState } from "../state.ts";
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

/** Reads a platform file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function platformFromJson(text: string): PlatformFile {
  return parseState(text, FIELDS, "the simulated platform file");
}

function scalarField(value: unknown): Hex | undefined {
  const scalar = hexField(32)(value);
  return scalar !== undefined && isScalar(bytesOf(scalar)) ? scalar : undefined;
}

const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(VENDOR),
  tee: oneOfField("intel-sgx", "intel-tdx"),
  ca: oneOfField("platform", "processor"),
  ppid: hexField(16),
  fmspc: hexField(6),
  cpuSvn: hexField(16),
  pceSvn: integerField(0xffff),
  teeTcbSvn: hexField(16),
  qeIsvSvn: integerField(0xffff),
  pckSerial: hexField(20),
  pckChain: textField(16_384),
  pckKey: scalarField,
  attestationKey: scalarField,
};
