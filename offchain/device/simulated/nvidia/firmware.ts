/** What simulated devices run and measure: one version string stands for one set of measurements. */
import { sha384 } from "#crypto";
import { toHex, utf8 } from "../../../encoding/bytes.ts";

export type NvidiaKind = "gpu" | "switch";

/** What a reference integrity manifest speaks for. */
export type NvidiaComponent = "driver" | "vbios";

/** One measurement as a manifest gives it. */
export interface GoldenMeasurement {
  /** From 0; the block of a report is one higher. */
  readonly index: number;
  /** What it may be, at least one; 48 bytes each. */
  readonly digests: readonly Uint8Array[];
}

export interface FirmwareVersions {
  /** Null for a switch, which has no driver of its own. */
  readonly driverVersion: string | null;
  /** Five bytes in upper-case hex with full stops between them. */
  readonly vbiosVersion: string;
}

interface Product {
  /** As manifests name it. */
  readonly name: string;
  /** As certificates name chip and processor. */
  readonly chip: string;
  readonly processor: string;
  readonly blocks: number;
  readonly project: string;
  readonly projectSku: string;
  readonly chipSku: string;
  /** Indices from 0 that each component answers for. */
  readonly measured: Readonly<Record<NvidiaComponent, readonly number[]>>;
}

/** Made-up versions, newest first: the vendor has published the manifests of these and of no others. */
export const PUBLISHED_VERSIONS = {
  driver: ["951.51.02", "951.51.01"],
  vbios: ["96.51.AD.00.02", "96.51.AD.00.01"],
} as const satisfies Record<NvidiaComponent, readonly string[]>;

/** Which indices count is as on real devices; project and SKUs of the GPU are made up. */
export const NVIDIA_PRODUCTS: Readonly<Record<NvidiaKind, Product>> = {
  gpu: {
    name: "GH100",
    chip: "GH100",
    processor: "GSP",
    blocks: 64,
    project: "51AD",
    projectSku: "0001",
    chipSku: "51A",
    measured: {
      driver: [7, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40],
      vbios: [1, 2, 3, 4, 5, 6, 9, 11, 12, 41],
    },
  },
  switch: {
    name: "LS10",
    chip: "LS_10",
    processor: "FSP",
    blocks: 31,
    // Reports of switches do not name the board: verifiers know the one that there is.
    project: "5612",
    projectSku: "0002",
    chipSku: "890",
    measured: { driver: [], vbios: [0, 1, 2, 3, 4, 6, 8, 9, 10, 11, 14, 18, 19, 20, 21, 22, 23, 24, 25] },
  },
};

const DIGEST_LENGTH = 48;
/** Firmware that need not be loaded: zeros are as good as its digest. */
const OPTIONAL = { driver: [23, 24], vbios: [] } as const satisfies Record<NvidiaComponent, readonly number[]>;
/** Firmware that comes in several builds; a device runs the second. */
const SEVERAL = { driver: [32, 35], vbios: [] } as const satisfies Record<NvidiaComponent, readonly number[]>;

/** The measurements that a manifest of one component and version names. */
export function goldenMeasurements(
  kind: NvidiaKind,
  component: NvidiaComponent,
  version: string,
): readonly GoldenMeasurement[] {
  return NVIDIA_PRODUCTS[kind].measured[component].map((index) => ({
    index,
    digests: digestsOf(component, index, (build) => digestOf(kind, component, `${version}/${index}/${build}`)),
  }));
}

/** What a device with these versions measures, block after block. */
export function measuredBlocks(kind: NvidiaKind, versions: FirmwareVersions): Uint8Array[] {
  const { driverVersion, vbiosVersion } = versions;
  const golden = [
    ...goldenMeasurements(kind, "vbios", vbiosVersion),
    ...(driverVersion === null ? [] : goldenMeasurements(kind, "driver", driverVersion)),
  ];
  const byIndex = new Map(golden.map(({ index, digests }) => [index, digests.at(-1)]));
  const { blocks } = NVIDIA_PRODUCTS[kind];
  return Array.from({ length: blocks }, (_none, index) => byIndex.get(index) ?? new Uint8Array(DIGEST_LENGTH));
}

/** The name of a component's manifest at the vendor's service. @see NVIDIA RIM service, RIM ids */
export function rimId(kind: NvidiaKind, component: NvidiaComponent, version: string): string {
  const { name, project, projectSku, chipSku } = NVIDIA_PRODUCTS[kind];
  if (component === "driver") return `NV_GPU_DRIVER_${name}_${version}`;
  const prefix = kind === "gpu" ? "NV_GPU_VBIOS" : "NV_SWITCH_BIOS";
  return [prefix, project, projectSku, chipSku, version.replaceAll(".", "")].join("_");
}

function digestsOf(
  component: NvidiaComponent,
  index: number,
  digest: (build: number) => Uint8Array,
): readonly Uint8Array[] {
  const has = (list: readonly number[]): boolean => list.includes(index);
  if (has(OPTIONAL[component])) return [digest(0), new Uint8Array(DIGEST_LENGTH)];
  return has(SEVERAL[component]) ? [digest(0), digest(1)] : [digest(0)];
}

function digestOf(kind: NvidiaKind, component: NvidiaComponent, what: string): Uint8Array {
  return sha384(utf8(`SIMULATED NVIDIA ${kind} ${component}/${what}`));
}

/** The firmware that holds a device's key, SHA-384 in hex. */
export function firmwareIdOf(kind: NvidiaKind, vbiosVersion: string): `0x${string}` {
  return toHex(digestOf(kind, "vbios", `${vbiosVersion}/FMC`));
}
