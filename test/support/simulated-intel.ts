import { QuoteVerifier } from "@phala/dcap-qvl";
import { toHex } from "../../offchain/encoding/bytes.ts";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import { endorsementsFor, issueCollateral } from "../../offchain/device/simulated/intel/collateral.ts";
import type { CollateralDefects } from "../../offchain/device/simulated/intel/collateral.ts";
import type { PlatformFile } from "../../offchain/device/simulated/intel/platform-file.ts";
import { createSimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import type { SimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import type { WorkerMeasurements } from "../../offchain/device/simulated/measure.ts";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";

/** Milliseconds since 1970, the time at which the simulated vendor of the tests lives. */
export const SIMULATED_NOW = Date.UTC(2027, 0, 15, 12);

/** A vendor that is the same in every test run up to its signatures. */
export function testVendor(): SimulatedVendor {
  return createSimulatedVendor({ now: SIMULATED_NOW, seed: new Uint8Array(32).fill(7) });
}

const filled = (length: number, byte: number): Hex => toHex(new Uint8Array(length).fill(byte));

/** Measurements of no particular program. */
export const TEST_MEASUREMENTS: WorkerMeasurements = {
  mrenclave: filled(32, 0xe1),
  mrsigner: filled(32, 0xe2),
  mrtd: filled(48, 0xd1),
  mrconfigid: filled(48, 0xd2),
  mrowner: filled(48, 0xd3),
  mrownerconfig: filled(48, 0xd4),
  rtmr0: filled(48, 0xa0),
  rtmr1: filled(48, 0xa1),
  rtmr2: filled(48, 0xa2),
  rtmr3: filled(48, 0xa3),
  measurement: filled(48, 0xb0),
  pcr0: filled(48, 0xc0),
  pcr1: filled(48, 0xc1),
  pcr2: filled(48, 0xc2),
};

/** The endorsements of a platform at a time, with defects. */
export function testEndorsements(
  vendor: SimulatedVendor,
  platform: PlatformFile,
  options: { now?: number; defects?: CollateralDefects } = {},
): DcapEndorsements {
  return endorsementsFor(issueCollateral(vendor, { now: SIMULATED_NOW, ...options }), platform);
}

/** What an independent verifier says under the vendor's root: a TCB status, or the reason of the refusal. */
export function peerVerdict(
  vendor: SimulatedVendor,
  quote: Uint8Array,
  endorsements: DcapEndorsements,
  now = SIMULATED_NOW,
): string {
  const root = Buffer.from(vendor.certificates.root.slice(2), "hex");
  const text = (bytes: Uint8Array = new Uint8Array(0)): string => new TextDecoder().decode(bytes);
  const hex = (bytes: Uint8Array = new Uint8Array(0)): string => Buffer.from(bytes).toString("hex");
  const tcbInfo = signedMember(text(endorsements.tcbInfo), "tcbInfo");
  const qeIdentity = signedMember(text(endorsements.qeIdentity), "enclaveIdentity");
  const collateral = {
    tcb_info: tcbInfo.document,
    tcb_info_signature: tcbInfo.signature,
    tcb_info_issuer_chain: text(endorsements.tcbSigningChain),
    qe_identity: qeIdentity.document,
    qe_identity_signature: qeIdentity.signature,
    qe_identity_issuer_chain: text(endorsements.qeIdentityIssuerChain),
    pck_crl: hex(endorsements.pckCrl),
    pck_crl_issuer_chain: text(endorsements.pckCrlIssuerChain),
    root_ca_crl: hex(endorsements.rootCaCrl),
  };
  try {
    return QuoteVerifier.newWithRootCa(root).verify(quote, collateral, now / 1000).status;
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
}

function signedMember(text: string, member: string): { document: string; signature: string } {
  const [, document = "", signature = ""] =
    new RegExp(`^\\{"${member}":(.*),"signature":"([0-9a-f]+)"\\}$`).exec(text) ?? [];
  return { document, signature };
}
