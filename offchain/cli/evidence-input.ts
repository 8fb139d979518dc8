import { CloisterError, ConfigError } from "../errors.ts";
import { parseNodeEvidence, type DeviceEvidence, type NodeEvidence } from "../verifier/node-evidence.ts";
import { decodeBytes, isJsonObject, readFileBytes, readFileJson } from "./files.ts";

/** Evidence out of a file, with that of the devices beside it. */
export interface GivenEvidence {
  readonly evidence: Uint8Array;
  readonly devices: readonly DeviceEvidence[];
  /** Undefined for raw evidence. */
  readonly nodeEvidence?: NodeEvidence;
}

/** Reads raw evidence, or what a worker says of itself; throws `ConfigError` for what is neither. */
export function readEvidence(path: string): GivenEvidence {
  const bytes = readFileBytes(path);
  if (!isJsonObject(bytes)) return { evidence: decodeBytes(bytes), devices: [] };
  const nodeEvidence = readNodeEvidence(path);
  return { evidence: nodeEvidence.evidence, devices: nodeEvidence.devices, nodeEvidence };
}

/** Reads what a worker says of itself; throws `ConfigError` `CONFIG_INVALID` for what is none. */
function readNodeEvidence(path: string): NodeEvidence {
  const json = readFileJson(path);
  try {
    return parseNodeEvidence(json);
  } catch (cause) {
    if (!(cause instanceof CloisterError)) throw cause;
    throw new ConfigError("CONFIG_INVALID", `${path} is no node evidence: ${cause.message}`, {
      cause,
      next: "Give raw evidence or the JSON of a worker's GET /v1/evidence; an answer's file is for `cloister check`.",
    });
  }
}
