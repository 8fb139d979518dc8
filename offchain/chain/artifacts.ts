import { concat as concatHex, keccak256, type InterfaceAbi } from "ethers";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";

/** A compiled contract. */
export interface Artifact {
  readonly abi: InterfaceAbi;
  /** Creation code, to which the encoded constructor arguments are appended. */
  readonly bytecode: Hex;
  readonly deployedBytecode: Hex;
  /** Where the constructor writes values into the deployed code, in bytes. */
  readonly immutables: readonly { readonly start: number; readonly length: number }[];
  /** Such as `solc 0.8.37`. */
  readonly compiler: string;
}

const SOURCES: Readonly<Record<string, string>> = {
  AccessManager: "@openzeppelin/contracts/access/manager/AccessManager.sol",
  TimelockController: "@openzeppelin/contracts/governance/TimelockController.sol",
  TestToken: "contracts/mocks/TestToken.sol",
};

/** Reads a contract out of Hardhat's `artifacts/`; throws ConfigError `CONFIG_MISSING` where it was not compiled. */
export function readArtifact(directory: string, name: string): Artifact {
  const path = join(directory, SOURCES[name] ?? `contracts/${name}.sol`, `${name}.json`);
  try {
    const json = JSON.parse(readFileSync(path, "utf8")) as HardhatArtifact;
    return {
      abi: json.abi,
      bytecode: json.bytecode,
      deployedBytecode: json.deployedBytecode,
      immutables: Object.values(json.immutableReferences ?? {}).flat(),
      compiler: /^(solc)-(\d+)_(\d+)_(\d+)/.exec(json.buildInfoId)?.slice(1).join(".").replace(".", " ") ?? "unknown",
    };
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, { cause, next: "Run `hardhat compile` first." });
  }
}

/** Whether code at an address is this contract's, whatever its constructor wrote into it. */
export function isCodeOf(artifact: Artifact, code: string): boolean {
  return (
    code.length === artifact.deployedBytecode.length &&
    masked(artifact, code) === masked(artifact, artifact.deployedBytecode)
  );
}

/** keccak256 of code. */
export function codeHash(code: string): Hex {
  return keccak256(code) as Hex;
}

/** Creation code with its constructor arguments. */
export function creationCode(artifact: Artifact, encodedArguments: string): Hex {
  return concatHex([artifact.bytecode, encodedArguments]) as Hex;
}

interface HardhatArtifact {
  readonly abi: InterfaceAbi;
  readonly bytecode: Hex;
  readonly deployedBytecode: Hex;
  readonly immutableReferences?: Readonly<Record<string, readonly { start: number; length: number }[]>>;
  readonly buildInfoId: string;
}

function masked(artifact: Artifact, code: string): string {
  const bytes = Buffer.from(code.slice(2), "hex");
  for (const { start, length } of artifact.immutables) bytes.fill(0, start, start + length);
  return bytes.toString("hex");
}
