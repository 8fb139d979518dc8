import { expect } from "chai";
import type { CollateralDefects } from "../../../offchain/device/simulated/intel/collateral.ts";
import { createPcsHandler } from "../../../offchain/device/simulated/intel/pcs-server.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { revoke, simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { createCache } from "../../../offchain/endorsements/cache.ts";
import type { Cache } from "../../../offchain/endorsements/cache.ts";
import { fetchDcapEndorsements } from "../../../offchain/endorsements/pcs.ts";
import type { PcsDocument, PcsOptions, PcsTarget } from "../../../offchain/endorsements/pcs.ts";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { createApp, listen } from "../../../offchain/http/server.ts";
import type { Listening } from "../../../offchain/http/server.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testVendor } from "../../support/simulated-intel.ts";

const HOUR = 3_600_000;
const TARGETS: readonly PcsTarget[] = [
  { fmspc: "51ad00000001", ca: "processor", tee: "sgx" },
  { fmspc: "51AD00000001", ca: "platform", tee: "tdx" },
];
const [SGX, TDX] = TARGETS as [PcsTarget, PcsTarget];

describe("endorsements from a provisioning certification service", () => {
  let server: Listening;
  let requests: string[];
  let vendor: ReturnType<typeof testVendor>;
  let now: number;
  let defects: CollateralDefects;
  let answerInstead: ((path: string) => Response | undefined) | undefined;

  before(async () => {
    const handler = createPcsHandler({ vendor: () => vendor, now: () => now, defects: () => defects });
    const app = createApp();
    app.get("*", (context) => {
      const url = new URL(context.req.url);
      requests.push(`${url.pathname}${url.search}`);
      const { status, headers, body } = handler(url.pathname, url.searchParams);
      return answerInstead?.(url.pathname) ?? context.body(new Uint8Array(body), status, headers);
    });
    server = await listen(app, { port: 0 });
  });

  after(async () => server.close(0));

  beforeEach(() => {
    requests = [];
    vendor = testVendor();
    now = SIMULATED_NOW;
    defects = {};
    answerInstead = undefined;
  });

  const fetchFor = async (target: PcsTarget, options: Partial<PcsOptions> = {}): Promise<DcapEndorsements> =>
    fetchDcapEndorsements(server.url, target, { fetch: fetchBytes, now, retryDelayMs: 0, ...options });

  const makeCache = (): Cache<PcsDocument> => createCache({ now: () => now });

  it("fetches what verifies quotes of both kinds", async () => {
    for (const target of TARGETS) {
      const tee = target.tee === "sgx" ? "intel-sgx" : "intel-tdx";
      const platform = provisionPlatform(vendor, { tee, now });
      const evidence = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64));
      const result = await verifyEvidence(evidence, {
        endorsements: { dcap: await fetchFor(target) },
        trustRoots: [simulatedTrustRoot(vendor)],
        now,
        policy: { ...DEFAULT_POLICY, allowSimulated: true },
      });
      expect(result.verdict, target.tee).to.equal("affirming");
    }
  });

  it("asks on Intel's paths", async () => {
    await fetchDcapEndorsements(`${server.url}/`, TDX, { fetch: fetchBytes, now });
    expect(requests.sort()).to.deep.equal([
      "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
      "/sgx/certification/v4/rootcacrl",
      "/tdx/certification/v4/qe/identity",
      "/tdx/certification/v4/tcb?fmspc=51AD00000001",
    ]);
  });

  it("asks Intel's other host for the root's CRL, and the one that it is told", async () => {
    const asked: string[] = [];
    const fetch: PcsOptions["fetch"] = async (url) => {
      asked.push(url);
      return { status: 404, headers: {}, body: new Uint8Array(0) };
    };
    const options = { fetch, now };
    await codeOfAsync(async () => fetchDcapEndorsements("https://api.trustedservices.intel.com", SGX, options));
    await codeOfAsync(async () =>
      fetchDcapEndorsements("https://pccs.invalid", SGX, { ...options, rootCrlUrl: "https://crl.invalid/root" }),
    );
    expect(asked).to.include("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    expect(asked).to.include("https://crl.invalid/root");
  });

  it("hands on the same CRL whether it comes as DER, hex or PEM", async () => {
    const { pckCrl } = await fetchFor(SGX);
    const pem = await fetchBytes(`${server.url}/sgx/certification/v4/pckcrl?ca=processor`, {
      timeoutMs: 5000,
      maxBytes: 1 << 16,
    });
    const encodings = [Buffer.from(pckCrl!).toString("hex"), new TextDecoder().decode(pem.body)];
    for (const text of encodings) {
      answerInstead = (path) =>
        path.endsWith("pckcrl")
          ? new Response(text, { headers: { "sgx-pck-crl-issuer-chain": pem.headers["sgx-pck-crl-issuer-chain"]! } })
          : undefined;
      expect((await fetchFor(SGX)).pckCrl).to.deep.equal(pckCrl);
    }
  });

  describe("refusals", () => {
    const chain = "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A";
    const ofTcb = (response: () => Response): void => {
      answerInstead = (path) => (path.endsWith("/tcb") ? response() : undefined);
    };
    const expired = JSON.stringify({ tcbInfo: { nextUpdate: "2026-01-01T00:00:00Z" }, signature: "00" });
    const cases: [string, () => Response, string][] = [
      ["an unknown family", () => new Response("", { status: 404 }), "ENDORSEMENT_UNAVAILABLE"],
      ["a broken service", () => new Response("", { status: 500 }), "ENDORSEMENT_UNAVAILABLE"],
      ["a busy service", () => new Response("", { status: 429 }), "ENDORSEMENT_UNAVAILABLE"],
      ["a redirect", () => new Response("", { status: 302, headers: { location: "/" } }), "ENDORSEMENT_INVALID"],
      ["too much", () => new Response(new Uint8Array(1001)), "ENDORSEMENT_INVALID"],
      ["no JSON", () => new Response("{", { headers: { "tcb-info-issuer-chain": chain } }), "ENDORSEMENT_INVALID"],
      ["no document", () => new Response("{}", { headers: { "tcb-info-issuer-chain": chain } }), "ENDORSEMENT_INVALID"],
      [
        "an expired document",
        () => new Response(expired, { headers: { "tcb-info-issuer-chain": chain } }),
        "ENDORSEMENT_EXPIRED",
      ],
      ["no chain", () => new Response(expired.replace("2026", "2036")), "ENDORSEMENT_INVALID"],
      [
        "a chain that is none",
        () => new Response(expired.replace("2026", "2036"), { headers: { "tcb-info-issuer-chain": "%E0%A4%A" } }),
        "ENDORSEMENT_INVALID",
      ],
    ];
    for (const [name, response, code] of cases) {
      it(`says ${code} for ${name}`, async () => {
        ofTcb(response);
        const maxBytes = name === "too much" ? 1000 : 1 << 20;
        const others = name === "too much" ? { attempts: 1 } : {};
        expect(await codeOfAsync(async () => fetchFor(SGX, { maxBytes, ...others }))).to.equal(code);
      });
    }

    it("says so for a CRL that is none, an expired collection and a service that is not there", async () => {
      answerInstead = (path) => (path.endsWith("rootcacrl") ? new Response("00ff") : undefined);
      expect(await codeOfAsync(async () => fetchFor(SGX))).to.equal("ENDORSEMENT_INVALID");
      answerInstead = undefined;
      expect(await codeOfAsync(async () => fetchFor(SGX, { now: now + 31 * 24 * HOUR }))).to.equal(
        "ENDORSEMENT_EXPIRED",
      );
      const nowhere = async (): Promise<unknown> =>
        fetchDcapEndorsements("http://127.0.0.1:9", SGX, { fetch: fetchBytes, now, retryDelayMs: 0 });
      expect(await codeOfAsync(nowhere)).to.equal("ENDORSEMENT_UNAVAILABLE");
      const wrong = async (): Promise<unknown> => fetchDcapEndorsements("ftp://x", SGX, { fetch: fetchBytes, now });
      expect(await codeOfAsync(wrong)).to.equal("ENDORSEMENT_INVALID");
    });
  });

  describe("repetition", () => {
    it("asks again after a passing failure, and only so often", async () => {
      let failures = 2;
      answerInstead = (path) => {
        if (!path.endsWith("/tcb") || failures === 0) return undefined;
        failures -= 1;
        return new Response("", { status: 503, headers: { "retry-after": "0" } });
      };
      expect((await fetchFor(SGX)).tcbInfo).to.not.equal(undefined);
      expect(requests.filter((path) => path.includes("/tcb?"))).to.have.length(3);
      failures = 2;
      expect(await codeOfAsync(async () => fetchFor(SGX, { attempts: 2 }))).to.equal("ENDORSEMENT_UNAVAILABLE");
    });

    it("does not ask again where the answer will not change", async () => {
      answerInstead = (path) => (path.endsWith("/tcb") ? new Response("", { status: 404 }) : undefined);
      await codeOfAsync(async () => fetchFor(SGX));
      expect(requests.filter((path) => path.includes("/tcb?"))).to.have.length(1);
    });

    it("stops waiting when it is told to", async () => {
      answerInstead = () => new Response("", { status: 503 });
      const signal = AbortSignal.timeout(20);
      const stopped = async (): Promise<unknown> => fetchFor(SGX, { signal, retryDelayMs: 60_000 });
      expect(await codeOfAsync(stopped)).to.equal("ENDORSEMENT_UNAVAILABLE");
    });
  });

  describe("cache", () => {
    it("asks once for many askers, shares the root's CRL, and asks again after an hour", async () => {
      const cache = makeCache();
      const [first, second] = await Promise.all([fetchFor(SGX, { cache }), fetchFor(SGX, { cache })]);
      expect(second).to.deep.equal(first);
      await fetchFor(TDX, { cache });
      expect(requests).to.have.length(7);
      now += HOUR;
      await fetchFor(SGX, { cache });
      expect(requests).to.have.length(11);
    });

    it("keeps nothing beyond its next update and no failure", async () => {
      const cache = makeCache();
      await fetchFor(SGX, { cache, maxAgeMs: 400 * 24 * HOUR });
      now += 29 * 24 * HOUR;
      await fetchFor(SGX, { cache });
      expect(requests).to.have.length(4);
      now += 2 * 24 * HOUR;
      await fetchFor(SGX, { cache });
      expect(requests).to.have.length(7);
      answerInstead = () => new Response("", { status: 404 });
      expect(await codeOfAsync(async () => fetchFor(TDX, { cache }))).to.equal("ENDORSEMENT_UNAVAILABLE");
      answerInstead = undefined;
      expect((await fetchFor(TDX, { cache })).tcbInfo).to.not.equal(undefined);
    });

    it("forgets the oldest where it is full", async () => {
      const cache = createCache<number>({ now: () => 0, capacity: 2 });
      let fetched = 0;
      const get = async (key: string): Promise<number> =>
        cache.get(key, async () => ({ value: (fetched += 1), until: 1 }));
      for (const key of ["a", "b", "c", "b", "c", "a"]) await get(key);
      expect(fetched).to.equal(4);
    });
  });

  describe("simulated service", () => {
    it("serves a revocation at once and never an expired document", async () => {
      const platform = provisionPlatform(vendor, { tee: "intel-sgx", now });
      const before = await fetchFor(SGX);
      vendor = revoke(vendor, { issuer: platform.ca, serial: platform.pckSerial, revokedAt: now });
      const serial = platform.pckSerial.slice(2);
      expect(Buffer.from(before.pckCrl!).toString("hex")).to.not.contain(serial);
      expect(Buffer.from((await fetchFor(SGX)).pckCrl!).toString("hex")).to.contain(serial);
      now += 300 * 24 * HOUR;
      expect((await fetchFor(SGX)).tcbInfo).to.not.equal(undefined);
    });

    it("serves defects when told to", async () => {
      const honest = await fetchFor(SGX);
      defects = { editedTcbInfo: true };
      expect((await fetchFor(SGX)).tcbInfo).to.not.deep.equal(honest.tcbInfo);
    });

    it("refuses what Intel's refuses", () => {
      const handler = createPcsHandler({ vendor: () => vendor, now: () => now });
      const statusOf = (path: string, query = ""): number => handler(path, new URLSearchParams(query)).status;
      const v4 = "/sgx/certification/v4";
      expect(statusOf(`${v4}/tcb`, "fmspc=51ad00000001")).to.equal(200);
      expect(statusOf(`${v4}/tcb`)).to.equal(400);
      expect(statusOf(`${v4}/tcb`, "fmspc=51ad")).to.equal(400);
      expect(statusOf(`${v4}/tcb`, "fmspc=00606A000000")).to.equal(404);
      expect(statusOf(`${v4}/pckcrl`, "ca=root")).to.equal(400);
      expect(statusOf("/tdx/certification/v4/pckcrl", "ca=platform")).to.equal(404);
      expect(statusOf("/sgx/certification/v3/tcb", "fmspc=51ad00000001")).to.equal(404);
      expect(statusOf("/constructor")).to.equal(404);
      expect(statusOf(`${v4}/toString`)).to.equal(404);
    });
  });
});
