import { createSigningKey, signDigest, signingAddress } from "#crypto";
import { provisionPlatform } from "../device/simulated/intel/platform.ts";
import { simulatedDevice } from "../device/simulated/intel/quote.ts";
import { toHex } from "../encoding/bytes.ts";
import { bindingDigest, type NodeBinding } from "../verifier/binding.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { Attack } from "./attacks.ts";
import type { Network } from "./network.ts";
import { domainOf, evidenceOfKind, judgedCode, measurementsOf, rogueEvidence, type RogueMachine } from "./rogue.ts";
import type { Played } from "./story.ts";

/** An offset in the body of a quote: inside MRENCLAVE of SGX. */
const FLIPPED = 48 + 64;

/** Attacks on the evidence of a node with Intel SGX, judged by the very code of the relayers. */
export function evidenceAttacks(network: Network, played: Played): readonly Attack[] {
  const genuine = evidenceOfKind(played, "intel-sgx");
  const judged = (evidence: NodeEvidence): Promise<string> => judgedCode(network, evidence);
  return [
    {
      id: "flipped-byte",
      tries: "a quote with one flipped byte",
      refusedBy: "SIGNATURE_INVALID (quote-signature)",
      attempt: () => judged({ ...genuine, evidence: flip(genuine.evidence, FLIPPED) }),
    },
    {
      id: "old-quote-for-new-keys",
      tries: "an old quote replayed for new keys",
      refusedBy: "BINDING_MISMATCH (binding)",
      attempt: () => judged({ ...genuine, ...foreignKeys(network, genuine.binding) }),
    },
    {
      id: "debug-enclave",
      tries: "an enclave in debug mode",
      refusedBy: "POLICY (debug)",
      attempt: async () => judged(await rogueEvidence(network, genuine, await rogueEnclave(network, "debug"))),
    },
    {
      id: "unknown-measurement",
      tries: "a worker that nobody published",
      refusedBy: "POLICY (reference-values)",
      attempt: async () => judged(await rogueEvidence(network, genuine, await rogueEnclave(network, "unpublished"))),
    },
  ];
}

function flip(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, index) => (index === offset ? byte ^ 0xff : byte));
}

/** The same node under keys of the attacker, with an honest proof that the attacker holds them. */
function foreignKeys(network: Network, binding: NodeBinding): Pick<NodeEvidence, "binding" | "possession"> {
  const key = createSigningKey();
  const foreign = { ...binding, signingKey: toHex(signingAddress(key)) };
  return { binding: foreign, possession: toHex(signDigest(key, bindingDigest(domainOf(network), foreign))) };
}

async function rogueEnclave(network: Network, kind: "debug" | "unpublished"): Promise<RogueMachine> {
  const platform = provisionPlatform(network.vendors.intel, { tee: "intel-sgx", now: Date.now(), name: "rogue" });
  const measurements = await measurementsOf(network, kind === "debug" ? "published" : "unpublished");
  return { device: simulatedDevice(platform, measurements, kind === "debug" ? { debug: true } : {}) };
}
