import { expect } from "chai";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import type { PlatformFile } from "../../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor, revoke, simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence, type VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

const YEAR = 365 * 86_400_000;
const ROLES = ["tcbInfo", "qeIdentity", "tcbSigningChain", "pckCrl", "rootCaCrl"] as const;

describe("verification with remembered certificates and collateral", () => {
  const vendor = testVendor();
  let platform: PlatformFile;
  let quote: Uint8Array;
  let other: Uint8Array;
  let endorsements: DcapEndorsements;
  let options: VerifyOptions;

  before(async () => {
    const platformOf = (name: string) => provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name });
    platform = platformOf("remembered");
    quote = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(1));
    other = await simulatedDevice(platformOf("another"), TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(1));
    endorsements = testEndorsements(vendor, platform);
  });

  beforeEach(async () => {
    options = {
      endorsements: { dcap: endorsements },
      trustRoots: [simulatedTrustRoot(vendor)],
      now: SIMULATED_NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
      chains: new ChainVerifier(),
    };
    expect((await verifyEvidence(quote, options)).verdict).to.equal("affirming");
  });

  /** What is said with everything remembered must be what is said with nothing remembered. */
  async function expectSame(evidence: Uint8Array, changes: Partial<VerifyOptions>, verdict: string): Promise<void> {
    const { chains: _, ...cold } = { ...options, ...changes };
    const remembered = await verifyEvidence(evidence, { ...options, ...changes });
    expect(remembered).to.deep.equal(await verifyEvidence(evidence, cold));
    expect(remembered.verdict).to.equal(verdict);
    expect((await verifyEvidence(quote, options)).verdict).to.equal("affirming");
  }

  it("says the same again, and of another platform", async () => {
    await expectSame(quote, {}, "affirming");
    await expectSame(other, {}, "affirming");
  });

  it("sees that time has passed", async () => {
    await expectSame(quote, { now: SIMULATED_NOW + YEAR }, "none");
    await expectSame(quote, { now: SIMULATED_NOW + 40 * YEAR }, "contraindicated");
  });

  it("sees that the root is not trusted any more", async () => {
    await expectSame(quote, { trustRoots: [] }, "contraindicated");
  });

  it("sees a platform revoked since", async () => {
    const since = revoke(vendor, { issuer: platform.ca, serial: platform.pckSerial, revokedAt: SIMULATED_NOW });
    await expectSame(quote, { endorsements: { dcap: testEndorsements(since, platform) } }, "contraindicated");
  });

  it("sees collateral of another vendor of the same names", async () => {
    const twin = createSimulatedVendor({ now: SIMULATED_NOW, seed: new Uint8Array(32).fill(8) });
    const platform = provisionPlatform(twin, { tee: "intel-tdx", now: SIMULATED_NOW, name: "remembered" });
    const foreign = testEndorsements(twin, platform);
    for (const role of ROLES) {
      const dcap = { ...endorsements, [role]: foreign[role] };
      const { verdict } = await verifyEvidence(quote, { ...options, endorsements: { dcap } });
      expect(verdict, role).to.equal("none");
    }
  });

  it("sees one changed byte of any endorsement", async () => {
    for (const role of ROLES) {
      const bytes = endorsements[role] ?? new Uint8Array(0);
      for (let offset = 0; offset < bytes.length; offset += 97) {
        const changed = bytes.slice();
        changed[offset] = (changed[offset] ?? 0) ^ 1;
        const changes = { ...options, endorsements: { dcap: { ...endorsements, [role]: changed } } };
        const { chains: _, ...cold } = changes;
        expect(await verifyEvidence(quote, changes), `${role} ${offset}`).to.deep.equal(
          await verifyEvidence(quote, cold),
        );
      }
    }
  });
});
