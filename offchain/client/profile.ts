import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { prettyJson } from "../encoding/json.ts";
import { parseServices, type EndorsementServices } from "../endorsements/services.ts";
import { ConfigError } from "../errors.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { parsePolicyDocument, type Policy } from "../verifier/policy-layers.ts";
import { readTrustRoot, VENDOR_ROOTS } from "../verifier/trust-roots.ts";
import type { ClientOptions } from "./client.ts";

/** How a program finds its network; paths are absolute here and relative to the file in it. */
export interface Profile {
  readonly name: string;
  readonly rpcUrl: string;
  /** Directory with `<chainId>.json`. */
  readonly deployments: string;
  /** Where vendors' endorsements are asked for. */
  readonly endorsements: EndorsementServices;
  /** Roots of simulated vendors; the vendors' own are always trusted. */
  readonly trustRoots: readonly TrustRoot[];
  readonly policy: Policy;
  /** File with the payer's or operator's private key, 0x-hex, that its owner alone may read. */
  readonly keyFile: string;
  readonly dataDir: string;
}

const SCHEMA = "cloister-profile/1";
const MEMBERS = [
  "schema",
  "name",
  "rpcUrl",
  "deployments",
  "endorsements",
  "trustRoots",
  "policy",
  "keyFile",
  "dataDir",
] as const;
const PATHS = ["deployments", "keyFile", "dataDir"] as const;
const OTHERS_MAY = 0o077;

const invalid = (message: string): ConfigError =>
  new ConfigError("CONFIG_INVALID", message, { next: "See docs/cli.md for the members of a profile." });

/** Reads a profile; throws `ConfigError` `CONFIG_MISSING` or `CONFIG_INVALID` that names the member. */
export function readProfile(path: string): Profile {
  const fields = new JsonFields(readJson(path), "profile", invalid);
  const unknown = fields.names().find((name) => !(MEMBERS as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalid(`profile: unknown member ${unknown}`);
  if (fields.text("schema") !== SCHEMA) throw invalid(`profile.schema is not ${SCHEMA}`);
  const absolute = (name: (typeof PATHS)[number]): string => resolve(dirname(path), fields.text(name));
  return {
    name: fields.text("name"),
    rpcUrl: urlOf(fields, "rpcUrl"),
    deployments: absolute("deployments"),
    endorsements: parseServices(fields.has("endorsements") ? fields.value("endorsements") : {}, "profile.endorsements"),
    trustRoots: fields.list("trustRoots").map(simulatedRoot),
    policy: parsePolicyDocument(fields.value("policy")),
    keyFile: absolute("keyFile"),
    dataDir: absolute("dataDir"),
  };
}

/** Writes a profile that `readProfile` reads, so that its directory can be moved as a whole. */
export function writeProfile(path: string, profile: Profile): void {
  const paths = Object.fromEntries(PATHS.map((name) => [name, relative(dirname(path), resolve(profile[name])) || "."]));
  writeFileSync(path, `${prettyJson({ schema: SCHEMA, ...profile, ...paths })}\n`);
}

/** The settings of a client on a profile's network; throws `ConfigError` where the key cannot be read. */
export function clientOptions(profile: Profile): ClientOptions {
  return {
    rpcUrl: profile.rpcUrl,
    deployments: profile.deployments,
    trustRoots: [...VENDOR_ROOTS, ...profile.trustRoots],
    policy: profile.policy,
    endorsements: profile.endorsements,
    payerKey: readProfileKey(profile),
    store: { dir: join(profile.dataDir, "client") },
  };
}

/** The private key of a profile; throws `ConfigError` without showing what the file holds. */
export function readProfileKey({ keyFile }: Pick<Profile, "keyFile">): Hex {
  const others = process.platform === "win32" ? 0 : modeOf(keyFile) & OTHERS_MAY;
  if (others !== 0) {
    const next = `Run "chmod 600 ${keyFile}", and use another key if others could have read it.`;
    throw new ConfigError("CONFIG_INVALID", `${keyFile} is open to other users`, { next });
  }
  const key = parseHex(readText(keyFile).trim(), 32);
  if (key === undefined) throw invalid(`${keyFile} does not hold one 32-byte key in 0x-hex`);
  return toHex(key);
}

/** Reads a trust root from its JSON value; throws `ConfigError` `CONFIG_INVALID`. */
export function parseTrustRoot(json: unknown, where: string): TrustRoot {
  return readTrustRoot(new JsonFields(json, where, invalid));
}

/** A profile may lie in any directory that a program is started in, so it must not name a root as genuine. */
function simulatedRoot(json: unknown, index: number): TrustRoot {
  const root = parseTrustRoot(json, `profile.trustRoots[${index}]`);
  if (!root.simulated) throw invalid(`profile.trustRoots[${index}] is no simulated vendor's`);
  return root;
}

function urlOf(fields: JsonFields, name: string): string {
  const text = fields.text(name);
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") throw invalid(`profile.${name} is not an http or https URL`);
  return text;
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause });
  }
}

function readText(path: string): string {
  return present(path, () => readFileSync(path, "utf8"));
}

function modeOf(path: string): number {
  return present(path, () => statSync(path).mode);
}

function present<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, { cause });
  }
}
