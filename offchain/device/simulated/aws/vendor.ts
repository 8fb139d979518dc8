/** The simulated AWS: a root like that of Nitro Enclaves, and its state file. */
import { createPublicKey } from "node:crypto";
import { randomBytes, sha256 } from "#crypto";
import { toHex, type Hex } from "../../../encoding/bytes.ts";
import { prettyJson } from "../../../encoding/json.ts";
import { hexField, integerField } from "../../../encoding/members.ts";
import type { TrustRoot } from "../../../evidence/scheme.ts";
import { anyHexField, oneOfField, parseState } from "../state.ts";
import { awsIssuer, issueRoot, ROOT_NAME } from "./certificates.ts";

/** A simulated vendor as plain data; it holds its root's private key. */
export interface SimulatedAws {
  readonly simulated: true;
  readonly vendor: typeof AWS_VENDOR;
  /** Every key and name is derived from these 32 bytes. */
  readonly seed: Hex;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** DER. */
  readonly root: Hex;
}

/** How every state file of the vendor is marked. */
export const AWS_VENDOR = "SIMULATED AWS";

/** Makes a vendor whose root begins one day before `now`; the same `seed` (32 bytes) gives the same keys. */
export function createSimulatedAws(options: { readonly now: number; readonly seed?: Uint8Array }): SimulatedAws {
  const seedBytes = options.seed ?? randomBytes(32);
  if (seedBytes.length !== 32) throw new RangeError("the seed of a simulated vendor has 32 bytes");
  const seed = toHex(seedBytes);
  return {
    simulated: true,
    vendor: AWS_VENDOR,
    seed,
    createdAt: options.now,
    root: toHex(issueRoot(seed, options.now)),
  };
}

/** The vendor's root as an argument for verifiers; it says that it is simulated. */
export function awsTrustRoot(vendor: SimulatedAws): TrustRoot {
  const spki = createPublicKey(awsIssuer(vendor.seed, "root").privateKey).export({ type: "spki", format: "der" });
  return { name: ROOT_NAME, spkiSha256: toHex(sha256(spki)).slice(2), simulated: true };
}

/** Writes the state file; whoever reads it can make evidence of this vendor. */
export function awsVendorToJson(vendor: SimulatedAws): string {
  return `${prettyJson(vendor)}\n`;
}

/** Reads a state file; throws ConfigError `CONFIG_INVALID` where a member is missing, wrong or unknown. */
export function awsVendorFromJson(text: string): SimulatedAws {
  return parseState(text, FIELDS, "the simulated AWS's state file");
}

const FIELDS = {
  simulated: oneOfField(true),
  vendor: oneOfField(AWS_VENDOR),
  seed: hexField(32),
  createdAt: integerField(Number.MAX_SAFE_INTEGER),
  root: anyHexField,
};
