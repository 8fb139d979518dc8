import type { Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, textField } from "../../../encoding/members.ts";
import type { Field } from "../../../encoding/members.ts";
import { p384Field } from "../p384.ts";
import { anyHexField, oneOfField, parseState } from "../state.ts";
import type { FirmwareVersions, NvidiaKind } from "./firmware.ts";
import { NVIDIA_VENDOR } from "./vendor.ts";

/** Everything that a worker process gets of a simulated device; it holds the device's key, but none of the vendor. */
export interface NvidiaDeviceFile extends FirmwareVersions {
  readonly simulated: true;
  readonly vendor: typeof NVIDIA_VENDOR;
  readonly kind: NvidiaKind;
  /** 8 bytes. */
  readonly chipId: Hex;
  /** SHA-384 of the firmware that holds the key. */
  readonly firmwareId: Hex;
  /** The serial number of the boot code's certificate, the lowest that the vendor signed. */
  readonly bootSerial: Hex;
  /** Firmware, boot code, provisioner, chip family and root, PEM. */
  readonly certChain: string;
  /** P-384 scalar, 48 bytes. */
  readonly attestationKey: Hex;
}

const DRIVER_VERSION = /^\d{1,4}(?:\.\d{1,4}){1,3}$/;
const VBIOS_VERSION = /^[\dA-F]{2}(?:\.[\dA-F]{2}){4}$/;

/** Writes the file that a worker process reads. */
export function nvidiaDeviceToJson(device: NvidiaDeviceFile): string {
  return `${prettyJson(device)}\n`;
}

/** Reads a device's file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function nvidiaDeviceFromJson(text: string): NvidiaDeviceFile {
  return parseState(text, FIELDS, "the simulated NVIDIA device's file");
}

/** A switch has no driver. */
function driverVersionField(value: unknown): string | null | undefined {
  return value === null ? null : textLike(DRIVER_VERSION)(value);
}

function textLike(form: RegExp): Field<string> {
  return (value) => (typeof value === "string" && form.test(value) ? value : undefined);
}

const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(NVIDIA_VENDOR),
  kind: oneOfField("gpu", "switch"),
  driverVersion: driverVersionField,
  vbiosVersion: textLike(VBIOS_VERSION),
  chipId: hexField(8),
  firmwareId: hexField(48),
  bootSerial: anyHexField,
  certChain: textField(16_384),
  attestationKey: p384Field,
};
