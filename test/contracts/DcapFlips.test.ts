import { expect } from "chai";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import { DEFAULT_POLICY } from "../../offchain/verifier/policy.ts";
import { INTEL_ROOT } from "../../offchain/verifier/trust-roots.ts";
import { verifyEvidence } from "../../offchain/verifier/verify.ts";
import {
  deployDcap,
  openDcapChain,
  refusalOf,
  upsertAll,
  type DcapChain,
  type DcapContracts,
} from "../support/dcap-chain.ts";
import { readDcapVector, realVector, type DcapVector } from "../support/dcap-vectors.ts";
import { describeVectors } from "../support/vectors.ts";

/** `npm run flips` changes every byte; otherwise every eleventh is changed. */
const STEP = process.env["CLOISTER_FLIPS"] === "all" ? 1 : 11;
const QUOTES = ["intel-sgx-v3-f8b81014", "intel-tdx-v4-f1c85033", "intel-tdx-v5-cf77a6e9"] as const;
/** Inverted, so that lengths and types become impossible, and the lowest bit, so that they stay plausible. */
const MASKS = [0xff, 0x01] as const;

describeVectors("DcapVerifier and changed quotes", ["manifest.json"], () => {
  let chain: DcapChain;

  before(async () => {
    chain = await openDcapChain();
  });

  for (const id of QUOTES) {
    it(`refuses ${id} with a byte changed, as the verifier off chain does`, async function () {
      this.timeout(1_200_000);
      const vector = realVector(id);
      const files = await readDcapVector(vector);
      await chain.at(vector.now / 1000, async () => {
        const contracts = await deployDcap(chain, files.root);
        await upsertAll(contracts.collateral, files.endorsements, files.pckChain);
        expect(await accepted(contracts, files, files.quote)).to.equal(true);
        expect(await acceptedOffChain(files, files.quote, vector.now)).to.equal(true);
        const unread = certificationData(files.quote);
        let refused = 0;
        for (const [offset, mask] of changes(unread)) {
          const changed = Uint8Array.from(files.quote);
          changed[offset] = (changed[offset] ?? 0) ^ mask;
          const [on, off] = [
            await accepted(contracts, files, changed),
            await acceptedOffChain(files, changed, vector.now),
          ];
          // Type and bytes of the certification data: no signature covers them, and the contract is given the certificate.
          const dontCare = offset >= unread && (offset === unread ? mask === 0x01 : offset >= unread + 6);
          expect(on, `on chain, octet ${offset} ^ ${mask}`).to.equal(dontCare);
          if (!dontCare) expect(off, `off chain, octet ${offset} ^ ${mask}`).to.equal(false);
          refused += Number(!on);
        }
        expect(refused).to.be.greaterThan(100);
      });
    });
  }
});

/** Offsets and masks: all that is read, and a little of what is not. */
function changes(unread: number): readonly (readonly [number, number])[] {
  const offsets = Array.from({ length: Math.ceil(unread / STEP) }, (_zero, index) => index * STEP);
  const tail = [0, 1, 2, 3, 4, 5, 6, 7, 100, 1000].map((index) => unread + index);
  return [...offsets, ...tail].flatMap((offset) => MASKS.map((mask) => [offset, mask] as const));
}

/** Where the type of the inner certification data stands. */
function certificationData(quote: Uint8Array): number {
  return quote.length - parseQuote(quote).certification.certificationData.length - 6;
}

async function accepted({ verifier }: DcapContracts, { pckChain }: DcapVector, quote: Uint8Array): Promise<boolean> {
  return (await refusalOf(verifier.verify(quote, pckChain[0] ?? new Uint8Array()))) === undefined;
}

async function acceptedOffChain(files: DcapVector, quote: Uint8Array, now: number): Promise<boolean> {
  const { verdict } = await verifyEvidence(quote, {
    endorsements: { dcap: files.endorsements },
    trustRoots: [INTEL_ROOT],
    now,
    policy: DEFAULT_POLICY,
  });
  return verdict === "affirming" || verdict === "warning";
}
