import type { FiguresReport } from "../figures/report.ts";
import { readArtifact } from "../../offchain/chain/artifacts.ts";
import { PRODUCTION } from "../../offchain/chain/deploy-parameters.ts";
import { figureOf } from "../figures/report.ts";
import { measureDcap } from "./dcap.ts";
import { measureChannels, measureConflict, measureModels, measureSettlements } from "./channels.ts";
import { openGasNetwork, party, type GasNetwork } from "./network.ts";
import {
  bondCommittee,
  measureEquivocation,
  measureFirstOfAll,
  measureNodes,
  measureRecheck,
  startNodes,
} from "./nodes.ts";
import { OPERATIONS, type Gas, type Operation } from "./operations.ts";

/** Measures every operation on a chain of its own; the contracts must be compiled. Two runs differ by what random signatures cost. */
export async function measureGas(): Promise<FiguresReport> {
  const network = await openGasNetwork();
  try {
    const gas = await measureAll(network);
    const figures = (Object.keys(OPERATIONS) as Operation[]).map((name) => {
      const { what, target }: { what: string; target?: number } = OPERATIONS[name];
      return figureOf({ what, value: gas[name], unit: "gas" }, { target });
    });
    const { compiler } = readArtifact("artifacts", "NodeRegistry");
    return { name: "gas", machine: { chain: "Hardhat in process", hardfork: "osaka", compiler }, figures };
  } finally {
    await network.close();
  }
}

async function measureAll(network: GasNetwork): Promise<Gas> {
  await bondCommittee(network);
  network.wait(PRODUCTION.additionDelay);
  const firstOfAll = await measureFirstOfAll(network);
  const ownNodes = await measureNodes(network);
  const nodes = await startNodes(network, party("provider"), 11);
  const [node] = nodes;
  if (node === undefined) throw new Error("no node");
  return {
    ...firstOfAll,
    ...ownNodes,
    ...(await measureModels(network, node)),
    ...(await measureSettlements(network, node)),
    ...(await measureChannels(network, nodes)),
    ...(await measureRecheck(network, node)),
    ...(await measureEquivocation(network, node)),
    ...(await measureConflict(network, node)),
    ...(await measureDcap(network)),
  };
}
