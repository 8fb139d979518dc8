import { expect } from "chai";
import type { Vector } from "../../offchain/verifier/conformance.ts";
import { runVector } from "../../offchain/verifier/conformance.ts";
import { deployDcap, openDcapChain, refusalOf, tcbStatusOf, upserts, type DcapChain } from "../support/dcap-chain.ts";
import { dcapVectors, readDcapVector } from "../support/dcap-vectors.ts";
import { describeVectors, readVector } from "../support/vectors.ts";

/** Where the contracts say something else than the verifier off chain, and why that is meant. */
const DIFFERENCES: readonly { readonly id: RegExp; readonly onChain: Verdict["verdict"]; readonly reason: string }[] = [
  {
    id: /-pck-chain-leaf-only$/,
    onChain: "accept",
    reason: "the PCK's authority and root are the collateral's, so that a quote does not have to carry them",
  },
  {
    id: /-tcbsigningchain-leaf-only$/,
    onChain: "accept",
    reason: "the signer is given alone: its root is the one that the contract holds",
  },
  {
    id: /^intel-sgx-v3-8418dbf6-ev15-2023-05-24$/,
    onChain: "reject",
    reason: "TCB info version 2, which Intel no longer serves, is not taken",
  },
];

interface Verdict {
  readonly verdict: "accept" | "reject";
  readonly status?: string;
  readonly reason: string;
}

describeVectors("DcapVerifier and the public vectors", ["manifest.json"], () => {
  let chain: DcapChain;

  before(async () => {
    chain = await openDcapChain();
  });

  for (const [name, prefix] of [
    ["of SGX", "intel-sgx"],
    ["of TDX", "intel-tdx"],
  ] as const) {
    it(`gives the verdict and the TCB status of the verifier off chain on every vector ${name}`, async function () {
      this.timeout(1_200_000);
      const vectors = dcapVectors().filter(({ platform }) => platform === prefix);
      expect(vectors.length).to.be.greaterThan(100);
      const differing: string[] = [];
      for (const vector of vectors) {
        const [onChain, offChain] = [await verdictOnChain(chain, vector), await verdictOffChain(vector)];
        const meant = DIFFERENCES.find(({ id }) => id.test(vector.id));
        const expected = meant?.onChain ?? offChain.verdict;
        if (onChain.verdict !== expected || (meant !== undefined && offChain.verdict === meant.onChain)) {
          differing.push(`${vector.id}: ${onChain.verdict} (${onChain.reason}) instead of ${expected}`);
        }
        const { tcbStatus } = vector.fields;
        if (onChain.status !== undefined && typeof tcbStatus === "string" && onChain.status !== tcbStatus) {
          differing.push(`${vector.id}: ${onChain.status} instead of ${tcbStatus}`);
        }
      }
      expect(differing).to.deep.equal([]);
    });
  }
});

async function verdictOffChain(vector: Vector): Promise<Verdict> {
  const { got, reason } = await runVector(vector, readVector);
  return { verdict: got === "affirming" || got === "warning" ? "accept" : "reject", reason };
}

async function verdictOnChain(chain: DcapChain, vector: Vector): Promise<Verdict> {
  const { quote, pckChain, endorsements, root } = await readDcapVector(vector);
  return chain.at(Math.floor(vector.now / 1000), async () => {
    const { collateral, verifier } = await deployDcap(chain, root);
    for (const upsert of upserts(collateral, endorsements, pckChain)) {
      const refused = await refusalOf(upsert());
      if (refused !== undefined) return { verdict: "reject", reason: refused };
    }
    let status = "";
    const verified = async (): Promise<void> => {
      status = tcbStatusOf(await verifier.verify.staticCall(quote, pckChain[0] ?? new Uint8Array()));
    };
    const refused = await refusalOf(verified());
    return refused === undefined ? { verdict: "accept", status, reason: "" } : { verdict: "reject", reason: refused };
  });
}
