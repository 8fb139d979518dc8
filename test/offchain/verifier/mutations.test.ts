import { expect } from "chai";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { parseQuote, type Quote } from "../../../offchain/evidence/dcap/quote.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { verifyEvidence, type VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

describe("mutated quotes", () => {
  const vendor = testVendor();

  for (const tee of ["intel-sgx", "intel-tdx"] as const) {
    describe(tee, () => {
      let whole: Uint8Array;
      let quote: Quote;
      let options: VerifyOptions;

      before(async () => {
        const platform = provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "mutated" });
        whole = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(9));
        quote = parseQuote(whole);
        options = {
          endorsements: { dcap: testEndorsements(vendor, platform) },
          trustRoots: [simulatedTrustRoot(vendor)],
          now: SIMULATED_NOW,
          policy: { ...DEFAULT_POLICY, allowSimulated: true },
          chains: new ChainVerifier(),
        };
      });

      const verdictOf = async (bytes: Uint8Array): Promise<AttestationResult["verdict"]> =>
        (await verifyEvidence(bytes, options)).verdict;

      it("are refused at every length but the whole", async () => {
        expect(await verdictOf(whole)).to.equal("affirming");
        for (let length = 0; length < whole.length; length += 1) {
          expect(await verdictOf(whole.subarray(0, length)), `length ${length}`).to.equal("contraindicated");
        }
      });

      it("are refused with any byte changed before the PCK chain", async () => {
        const end = quote.certification.certificationData.byteOffset - whole.byteOffset;
        for (let offset = 0; offset < end; offset += 1) {
          const changed = whole.slice();
          changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
          expect(await verdictOf(changed), `offset ${offset}`).to.equal("contraindicated");
        }
      });

      it("never verify with a changed PCK chain to anything but the same claims", async () => {
        const { claims } = await verifyEvidence(whole, options);
        const start = quote.certification.certificationData.byteOffset - whole.byteOffset;
        for (let offset = start; offset < whole.length; offset += 7) {
          const changed = whole.slice();
          changed[offset] = (changed[offset] ?? 0) ^ 1;
          const result = await verifyEvidence(changed, options);
          if (result.verdict !== "contraindicated") {
            expect({ ...result.claims, evidenceHash: claims?.evidenceHash }).to.deep.equal(claims);
          }
        }
      });
    });
  }
});
