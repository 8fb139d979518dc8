import type { NvidiaEndorsements } from "../evidence/nvidia/endorsements.ts";
import { OPAQUE, textOf, vbiosVersionOf } from "../evidence/nvidia/opaque.ts";
import type { DeviceReport } from "../evidence/nvidia/report.ts";

/** Ids of manifests by the member of the endorsements that they are for. */
export type RimIds = Readonly<Partial<Record<keyof NvidiaEndorsements & `${string}Rim`, string>>>;

/** Types of records that name a board. @see NVIDIA nvTrust, SPDM measurement response, opaque data field ids */
const BOARD = { chipSku: 15, project: 17, projectSku: 18 } as const;

/** A switch's report does not name its board; there is one. @see NVIDIA nvTrust, nv_switch_verifier, configuration */
const SWITCH_BOARD = "5612_0002_890";

/** What an id is made of; anything else would be no id, and could be a path. */
const PART = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * The ids of the manifests that a device's report calls for: of a GPU its driver's and its VBIOS's, of a switch its firmware's. One that
 * the report does not say enough for is left out. `chipName` is the common name in the leaf certificate, such as `GH100 A01 GSP FMC LF`.
 * @see NVIDIA RIM service, RIM ID naming convention
 */
export function rimIdsOf({ kind, opaque }: DeviceReport, chipName: string | undefined): RimIds {
  const vbios = vbiosVersionOf(opaque.get(OPAQUE.vbiosVersion))?.replaceAll(".", "").toUpperCase();
  if (kind === "switch") return { ...named("vbiosRim", "NV_SWITCH_BIOS", SWITCH_BOARD, vbios) };
  const [chip] = (chipName ?? "").split(" ");
  const board = [BOARD.project, BOARD.projectSku, BOARD.chipSku].map((type) => textOf(opaque.get(type)));
  return {
    ...named("driverRim", "NV_GPU_DRIVER", chip, textOf(opaque.get(OPAQUE.driverVersion))),
    ...named("vbiosRim", "NV_GPU_VBIOS", ...board, vbios),
  };
}

function named(role: keyof RimIds, start: string, ...parts: readonly (string | undefined)[]): RimIds {
  const plain = parts.every((part) => part !== undefined && (part === SWITCH_BOARD || PART.test(part)));
  return plain ? { [role]: [start, ...parts].join("_") } : {};
}
