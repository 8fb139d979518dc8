import { expect } from "chai";
import { X509Certificate } from "node:crypto";
import { createKdsHandler } from "../../../../../offchain/device/simulated/amd/kds-server.ts";
import { provisionAmdPlatform, vekSubjectOf } from "../../../../../offchain/device/simulated/amd/platform.ts";
import { PRODUCTS } from "../../../../../offchain/device/simulated/amd/product.ts";
import { simulatedAmdDevice } from "../../../../../offchain/device/simulated/amd/report.ts";
import {
  amdTrustRoot,
  revokeAuthority,
  type SimulatedAmd,
} from "../../../../../offchain/device/simulated/amd/vendor.ts";
import { DEFAULT_POLICY } from "../../../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../../../offchain/verifier/verify.ts";
import { parsePem } from "../../../../../offchain/x509/pem.ts";
import { testAmd } from "../../../../support/simulated-amd.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../../../support/simulated-intel.ts";

const POLICY = { ...DEFAULT_POLICY, allowSimulated: true };

describe("simulated AMD key distribution service", () => {
  let vendor: SimulatedAmd;
  before(async () => {
    vendor = await testAmd();
  });

  const handler = (throttleMs = 0, now = () => SIMULATED_NOW) =>
    createKdsHandler({ vendor: () => vendor, now, throttleMs: () => throttleMs });

  function get(handle: ReturnType<typeof handler>, url: string) {
    const { pathname, searchParams } = new URL(url, "https://kds.invalid");
    return handle(pathname, searchParams);
  }

  function vcekPath(platform: ReturnType<typeof provisionAmdPlatform>): string {
    const { product, hwid, tcb } = vekSubjectOf(platform);
    const svns = Object.entries(tcb).map(([part, svn]) => `${part}SPL=${svn}`);
    return `/vcek/v1/${product}/${hwid.slice(2)}?${svns.join("&")}`;
  }

  it("hands out all that a machine's reports are verified with", async () => {
    for (const product of PRODUCTS) {
      const platform = provisionAmdPlatform(vendor, { product });
      const vek = get(handler(), vcekPath(platform));
      const chain = get(handler(), `/vcek/v1/${product}/cert_chain`);
      const crl = get(handler(), `/vcek/v1/${product}/crl`);
      expect([vek, chain, crl].map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      expect([vek, chain, crl].map(({ headers }) => headers["content-type"])).to.deep.equal([
        "application/pkix-cert",
        "application/x-pem-file",
        "application/pkix-crl",
      ]);
      const [ask, ark] = parsePem(chain.body, "CERTIFICATE");
      const evidence = await simulatedAmdDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64));
      const { verdict, failures } = await verifyEvidence(evidence, {
        endorsements: { sevSnp: { vek: vek.body, ask: ask!, ark: ark!, crl: crl.body } },
        trustRoots: [amdTrustRoot(vendor)],
        now: SIMULATED_NOW,
        policy: POLICY,
      });
      expect({ verdict, failures }, product).to.deep.equal({ verdict: "affirming", failures: [] });
    }
  });

  it("hands out the ASVK's chain and no VLEK", () => {
    const { body } = get(handler(), "/vlek/v1/Genoa/cert_chain");
    const names = parsePem(body, "CERTIFICATE").map((der) => /CN=(.*)$/.exec(new X509Certificate(der).subject)?.[1]);
    expect(names).to.deep.equal(["SEV-VLEK-Genoa", "ARK-Genoa"]);
    expect(get(handler(), `/vlek/v1/Genoa/${"00".repeat(64)}?blSPL=0`).status).to.equal(404);
  });

  it("lists a revoked authority at once", () => {
    let current = vendor;
    const handle = createKdsHandler({ vendor: () => current, now: () => SIMULATED_NOW });
    const lengthBefore = get(handle, "/vcek/v1/Milan/crl").body.length;
    current = revokeAuthority(vendor, { product: "Milan", authority: "ask", revokedAt: SIMULATED_NOW });
    expect(get(handle, "/vcek/v1/Milan/crl").body.length).to.be.greaterThan(lengthBefore);
    expect(get(handle, "/vcek/v1/Genoa/crl").body.length).to.equal(lengthBefore);
  });

  it("refuses what AMD's has no answer for", () => {
    const chip = "ab".repeat(64);
    const svns = "blSPL=4&teeSPL=0&snpSPL=24&ucodeSPL=219";
    const cases: [string, number][] = [
      [`/vcek/v1/Milan/${chip}?${svns}`, 200],
      ["/", 404],
      ["/vcek/v1/Naples/crl", 404],
      [`/vcek/v2/Milan/${chip}?${svns}`, 404],
      [`/vcek/v1/Milan/${chip}?blSPL=4`, 400],
      [`/vcek/v1/Milan/${chip}?${svns.replace("219", "256")}`, 400],
      [`/vcek/v1/Milan/${chip}?${svns.replace("219", "-1")}`, 400],
      [`/vcek/v1/Milan/${"ab".repeat(8)}?${svns}`, 400],
      [`/vcek/v1/Milan/chip?${svns}`, 400],
      [`/vcek/v1/Turin/${"ab".repeat(8)}?${svns}`, 400],
      [`/vcek/v1/Turin/${"ab".repeat(8)}?${svns}&fmcSPL=1`, 200],
      [`/vcek/v1/Turin/${chip}?${svns}&fmcSPL=1`, 400],
    ];
    for (const [url, status] of cases) expect(get(handler(), url).status, url).to.equal(status);
  });

  it("throttles VCEKs and nothing else where told to", () => {
    let now = SIMULATED_NOW;
    const handle = handler(10_000, () => now);
    const path = vcekPath(provisionAmdPlatform(vendor));
    expect([get(handle, path), get(handle, path)].map(({ status }) => status)).to.deep.equal([200, 429]);
    expect(get(handle, "/vcek/v1/Genoa/cert_chain").status).to.equal(200);
    now += 10_000;
    expect(get(handle, path).status).to.equal(200);
  });
});
