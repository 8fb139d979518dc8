import { ARM_CCA } from "./families/arm-cca.ts";
import { DCAP } from "./families/dcap.ts";
import { NITRO } from "./families/nitro.ts";
import { NVIDIA } from "./families/nvidia.ts";
import { SEV_SNP } from "./families/sev-snp.ts";
import type { Family } from "./family.ts";

/** Every evidence family, in the order in which evidence is tried. */
export const FAMILIES: readonly Family[] = [SEV_SNP, DCAP, NITRO, NVIDIA, ARM_CCA];
