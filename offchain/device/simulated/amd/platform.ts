/** Simulated machines with an AMD processor, and the file that a worker process gets of one. */
import { randomBytes } from "#crypto";
import { concat, toHex, type Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField } from "../../../encoding/members.ts";
import type { Product, TcbVersion } from "../../../evidence/sev-snp/product.ts";
import type { SigningKey } from "../../../evidence/sev-snp/report.ts";
import { deriveP384, p384Field } from "../p384.ts";
import { bytesOf, oneOfField, parseState } from "../state.ts";
import { LINES, movedTcb, tcbBytes, tcbFrom } from "./product.ts";
import { AMD_VENDOR, type SimulatedAmd } from "./vendor.ts";
import { vekScalar, type VekSubject } from "./vek.ts";

/** Everything that a worker process gets of a simulated machine; it holds its signing key, but none of the vendor. */
export interface AmdPlatformFile {
  readonly simulated: true;
  readonly vendor: typeof AMD_VENDOR;
  readonly product: Product;
  readonly reportVersion: ReportVersion;
  readonly signingKey: SigningKey;
  /** 64 bytes; on Turin the last 56 are zero. */
  readonly chipId: Hex;
  /** TCB versions, 8 bytes each. */
  readonly reportedTcb: Hex;
  readonly committedTcb: Hex;
  readonly currentTcb: Hex;
  readonly launchTcb: Hex;
  /** P-384 scalar of the VCEK or VLEK, 48 bytes. */
  readonly key: Hex;
}

export type ReportVersion = "2" | "3" | "5";

export interface AmdPlatformOptions {
  /** `Genoa` where not given. */
  readonly product?: Product;
  /** Version 5 where not given. */
  readonly reportVersion?: ReportVersion;
  /** `VCEK` where not given. */
  readonly signingKey?: SigningKey;
  /** The same name under the same vendor is the same machine; a new one where not given. */
  readonly name?: string;
  /** The reported TCB; the line's own where not given. The other TCB versions are the line's own. */
  readonly reported?: TcbVersion;
  /** Firmware that is loaded and not committed yet is this much newer. */
  readonly uncommitted?: number;
}

const CHIP_ID_LENGTH = 64;

/** Makes a machine: its chip, its TCB versions and the key that signs for the reported one. */
export function provisionAmdPlatform(vendor: SimulatedAmd, options: AmdPlatformOptions = {}): AmdPlatformFile {
  const { product = "Genoa", reportVersion = "5", signingKey = "VCEK" } = options;
  const name = options.name ?? toHex(randomBytes(16));
  const { hwidLength, tcb } = LINES[product];
  const hwid = concat(...["a", "b"].map((half) => bytesOf(deriveP384(vendor.seed, `chip/${product}/${name}/${half}`))));
  const chip = hwid.slice(0, hwidLength);
  const reported = options.reported ?? tcb;
  const subject: VekSubject = { product, type: signingKey, hwid: toHex(chip), tcb: reported };
  return {
    simulated: true,
    vendor: AMD_VENDOR,
    product,
    reportVersion,
    signingKey,
    chipId: toHex(concat(chip, new Uint8Array(CHIP_ID_LENGTH - hwidLength))),
    reportedTcb: toHex(tcbBytes(product, reported)),
    committedTcb: toHex(tcbBytes(product, tcb)),
    currentTcb: toHex(tcbBytes(product, movedTcb(product, tcb, options.uncommitted ?? 0))),
    launchTcb: toHex(tcbBytes(product, tcb)),
    key: vekScalar(vendor, subject),
  };
}

/** What the vendor certifies of a machine. */
export function vekSubjectOf(platform: AmdPlatformFile): VekSubject {
  const { product, signingKey: type, chipId, reportedTcb } = platform;
  const { hwidLength, tcbLayout } = LINES[product];
  const bytes = bytesOf(reportedTcb);
  return {
    product,
    type,
    hwid: toHex(bytesOf(chipId).subarray(0, hwidLength)),
    tcb: tcbFrom(product, (part) => bytes[tcbLayout.indexOf(part)] ?? 0),
  };
}

/** Writes the file that a worker process reads. */
export function amdPlatformToJson(platform: AmdPlatformFile): string {
  return `${prettyJson(platform)}\n`;
}

/** Reads a platform file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function amdPlatformFromJson(text: string): AmdPlatformFile {
  return parseState(text, FIELDS, "the simulated AMD platform file");
}

const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(AMD_VENDOR),
  product: oneOfField("Milan", "Genoa", "Turin"),
  reportVersion: oneOfField("2", "3", "5"),
  signingKey: oneOfField("VCEK", "VLEK"),
  chipId: hexField(CHIP_ID_LENGTH),
  reportedTcb: hexField(8),
  committedTcb: hexField(8),
  currentTcb: hexField(8),
  launchTcb: hexField(8),
  key: p384Field,
};
