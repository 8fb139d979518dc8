import { expect } from "chai";
import { FunctionFragment, Interface, type Fragment, type InterfaceAbi } from "ethers";
import { ABI, LIBRARY_ERRORS, type ContractName } from "../../../offchain/chain/abi.ts";
import { readArtifact } from "../../../offchain/chain/artifacts.ts";

const ARTIFACTS: Readonly<Record<ContractName, string>> = {
  AccessManager: "AccessManager",
  TimelockController: "TimelockController",
  NodeStake: "NodeStake",
  ReferenceValues: "ReferenceValues",
  NodeRegistry: "NodeRegistry",
  VerifierCommittee: "VerifierCommittee",
  VerdictChallenges: "VerdictChallenges",
  ModelRegistry: "ModelRegistry",
  InferenceEscrow: "InferenceEscrow",
  Token: "TestToken",
};
const OWN: readonly ContractName[] = [
  "NodeStake",
  "ReferenceValues",
  "NodeRegistry",
  "VerifierCommittee",
  "VerdictChallenges",
  "ModelRegistry",
  "InferenceEscrow",
];

/** A fragment without the names by which nothing is read: a function's inputs, and its output where it has only one. */
function written(fragment: Fragment): string {
  if (!(fragment instanceof FunctionFragment)) return fragment.format("full");
  const json = JSON.parse(fragment.format("json")) as FunctionJson;
  const named = json.outputs.length > 1;
  const inputs = json.inputs.map((input) => ({ ...input, name: "" }));
  return JSON.stringify({
    ...json,
    inputs,
    outputs: named ? json.outputs : json.outputs.map((output) => Object.assign({}, output, { name: "" })),
  });
}

interface FunctionJson {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
}

const fragmentsOf = (abi: InterfaceAbi): string[] => new Interface(abi).fragments.map(written);
const linesOf = (name: ContractName): string[] => fragmentsOf([...ABI[name]]);

describe("chain/abi", () => {
  for (const name of Object.keys(ABI) as ContractName[]) {
    it(`says of ${name} what the compiler says`, () => {
      const compiled = new Set(fragmentsOf(readArtifact("artifacts", ARTIFACTS[name]).abi));
      expect(linesOf(name).filter((line) => !compiled.has(line))).to.deep.equal([]);
    });
  }

  for (const name of OWN) {
    it(`knows every error of ${name}`, () => {
      const known = new Set([...linesOf(name), ...fragmentsOf([...LIBRARY_ERRORS])]);
      const errors = fragmentsOf(readArtifact("artifacts", name).abi).filter((line) => line.startsWith("error "));
      expect(errors.filter((line) => !known.has(line))).to.deep.equal([]);
    });
  }
});
