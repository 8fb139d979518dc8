import { expect } from "chai";
import type { CollateralDefects } from "../../../offchain/device/simulated/intel/collateral.ts";
import { createPcsHandler } from "../../../offchain/device/simulated/intel/pcs-server.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { revoke, simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { createEndorsementSource, type EndorsementSourceOptions } from "../../../offchain/endorsements/source.ts";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testVendor } from "../../support/simulated-intel.ts";
import { startVendorService, type TestAnswer, type TestService } from "../../support/vendor-service.ts";

const HOUR = 3_600_000;
const TEES = ["intel-sgx", "intel-tdx"] as const;
type Tee = (typeof TEES)[number];

describe("endorsements from a provisioning certification service", () => {
  let service: TestService;
  let vendor: ReturnType<typeof testVendor>;
  let now: number;
  let defects: CollateralDefects;
  const quotes = new Map<Tee, Uint8Array>();

  before(async () => {
    service = await startVendorService();
    for (const tee of TEES) {
      const platform = provisionPlatform(testVendor(), { tee, now: SIMULATED_NOW });
      quotes.set(tee, await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64)));
    }
  });

  after(async () => service.close());

  beforeEach(() => {
    service.forget();
    vendor = testVendor();
    now = SIMULATED_NOW;
    defects = {};
    service.answerWith(simulated());
  });

  /** The simulated vendor's service, with some answers replaced. */
  function simulated(replaced: Readonly<Record<string, TestAnswer>> = {}): (path: string) => TestAnswer {
    const handler = createPcsHandler({ vendor: () => vendor, now: () => now, defects: () => defects });
    return (target) => {
      const { pathname, searchParams } = new URL(target, "http://service");
      const end = Object.keys(replaced).find((name) => pathname.endsWith(name));
      return replaced[end ?? ""] ?? handler(pathname, searchParams);
    };
  }

  const sourceOf = (options: Partial<EndorsementSourceOptions> = {}) =>
    createEndorsementSource({
      services: { ...VENDOR_SERVICES, pcs: service.url },
      fetch: fetchBytes,
      now: () => now,
      retryDelayMs: 0,
      ...options,
    });
  const fetchFor = async (tee: Tee, source = sourceOf()): Promise<DcapEndorsements> =>
    (await source.endorsementsFor(quotes.get(tee)!)).dcap ?? {};
  const codeFor = async (tee: Tee, options?: Partial<EndorsementSourceOptions>): Promise<string> =>
    codeOfAsync(async () => fetchFor(tee, sourceOf(options)));

  it("fetches what verifies quotes of both kinds", async () => {
    for (const tee of TEES) {
      const result = await verifyEvidence(quotes.get(tee)!, {
        endorsements: { dcap: await fetchFor(tee) },
        trustRoots: [simulatedTrustRoot(vendor)],
        now,
        policy: { ...DEFAULT_POLICY, allowSimulated: true },
      });
      expect(result.verdict, tee).to.equal("affirming");
    }
  });

  it("asks on Intel's paths for what the quote's certificate says", async () => {
    await fetchFor("intel-tdx");
    expect(service.requests.toSorted()).to.deep.equal([
      "GET /sgx/certification/v4/pckcrl?ca=platform&encoding=der",
      "GET /sgx/certification/v4/rootcacrl",
      "GET /tdx/certification/v4/qe/identity",
      "GET /tdx/certification/v4/tcb?fmspc=51AD00000001",
    ]);
  });

  it("asks Intel's other host for the root's CRL", async () => {
    const asked: string[] = [];
    const fetch: EndorsementSourceOptions["fetch"] = async (url) => {
      asked.push(url);
      return { status: 404, headers: {}, body: new Uint8Array(0) };
    };
    await codeFor("intel-sgx", { fetch, services: VENDOR_SERVICES });
    expect(asked).to.include("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    expect(asked.filter((url) => url.startsWith("https://api.trustedservices.intel.com/"))).to.have.length(3);
  });

  it("hands on the same CRL whether it comes as DER, hex or PEM", async () => {
    const { pckCrl = new Uint8Array(0), pckCrlIssuerChain = new Uint8Array(0) } = await fetchFor("intel-sgx");
    const base64 = Buffer.from(pckCrl).toString("base64");
    const bodies = [
      Buffer.from(pckCrl).toString("hex"),
      `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`,
    ];
    const headers = { "sgx-pck-crl-issuer-chain": encodeURIComponent(Buffer.from(pckCrlIssuerChain).toString()) };
    for (const body of bodies) {
      service.answerWith(simulated({ pckcrl: { headers, body } }));
      expect((await fetchFor("intel-sgx")).pckCrl).to.deep.equal(pckCrl);
    }
  });

  it("asks for nothing that came with the evidence", async () => {
    const given = await fetchFor("intel-sgx");
    service.forget();
    const others = Object.fromEntries(Object.entries(given).filter(([role]) => role !== "tcbInfo"));
    const again = await sourceOf().endorsementsFor(quotes.get("intel-sgx")!, { dcap: others });
    expect(again.dcap).to.deep.equal(given);
    expect(service.requests).to.deep.equal(["GET /sgx/certification/v4/tcb?fmspc=51AD00000001"]);
  });

  describe("refusals", () => {
    const chain = "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A";
    const json = { "content-type": "application/json", "tcb-info-issuer-chain": chain };
    const of = (tee: Tee, path: string): (() => TestAnswer) => {
      return () => simulated()(path.replace("TEE", tee === "intel-sgx" ? "sgx" : "tdx"));
    };
    /** What is served at the end of a path instead, and what that is told as. */
    const cases: readonly (readonly [string, string, () => TestAnswer, string])[] = [
      ["an unknown family", "/tcb", () => ({ status: 404 }), "ENDORSEMENT_UNAVAILABLE"],
      ["no JSON", "/tcb", () => ({ headers: json, body: "{" }), "ENDORSEMENT_INVALID"],
      ["no document", "/tcb", () => ({ headers: json, body: "{}" }), "ENDORSEMENT_INVALID"],
      ["another type", "/tcb", () => ({ headers: { ...json, "content-type": "text/html" } }), "ENDORSEMENT_INVALID"],
      [
        "TCB info of the other TEE",
        "/tcb",
        of("intel-tdx", "/TEE/certification/v4/tcb?fmspc=51ad00000001"),
        "ENDORSEMENT_INVALID",
      ],
      [
        "the identity of the other QE",
        "/qe/identity",
        of("intel-tdx", "/TEE/certification/v4/qe/identity"),
        "ENDORSEMENT_INVALID",
      ],
      [
        "the list of the other CA",
        "/pckcrl",
        of("intel-sgx", "/TEE/certification/v4/pckcrl?ca=platform&encoding=der"),
        "ENDORSEMENT_INVALID",
      ],
      [
        "the root's list for the CA's",
        "/rootcacrl",
        of("intel-sgx", "/TEE/certification/v4/pckcrl?ca=processor&encoding=der"),
        "ENDORSEMENT_INVALID",
      ],
      ["a list that is none", "/rootcacrl", () => ({ body: "00ff" }), "ENDORSEMENT_INVALID"],
    ];
    for (const [name, path, answer, code] of cases) {
      it(`says ${code} for ${name}`, async () => {
        service.answerWith(simulated({ [path]: answer() }));
        expect(await codeFor("intel-sgx")).to.equal(code);
      });
    }

    it("refuses TCB info of another platform family", async () => {
      const good = simulated()("/sgx/certification/v4/tcb?fmspc=51ad00000001");
      if (typeof good === "function") throw new Error("no answer");
      const body = Buffer.from(good.body ?? "")
        .toString()
        .replace(/"fmspc":"51AD00000001"/i, '"fmspc":"51AD00000002"');
      service.answerWith(simulated({ "/tcb": { ...good, body } }));
      expect(await codeFor("intel-sgx")).to.equal("ENDORSEMENT_INVALID");
    });

    it("refuses a document without its chain, or with one that is none", async () => {
      const good = simulated()("/sgx/certification/v4/tcb?fmspc=51ad00000001");
      if (typeof good === "function") throw new Error("no answer");
      for (const headers of [{}, { "tcb-info-issuer-chain": "%E0%A4%A" }, { "tcb-info-issuer-chain": "none" }]) {
        service.answerWith(
          simulated({ "/tcb": { ...good, headers: { "content-type": "application/json", ...headers } } }),
        );
        expect(await codeFor("intel-sgx")).to.equal("ENDORSEMENT_INVALID");
      }
    });

    it("says so for an expired collection and a service that is not there", async () => {
      const issued = simulated();
      const old = ["/tcb?fmspc=51ad00000001", "/qe/identity"].map((end) => issued(`/sgx/certification/v4${end}`));
      now += 31 * 24 * HOUR;
      service.answerWith(simulated({ "/tcb": old[0]!, "/qe/identity": old[1]! }));
      expect(await codeFor("intel-sgx")).to.equal("ENDORSEMENT_EXPIRED");
      const services = { ...VENDOR_SERVICES, pcs: "http://127.0.0.1:9" };
      expect(await codeFor("intel-sgx", { services })).to.equal("ENDORSEMENT_UNAVAILABLE");
    });

    it("cannot be asked for a quote without a certificate", async () => {
      expect(await codeOfAsync(async () => sourceOf().endorsementsFor(new Uint8Array(5)))).to.equal(
        "EVIDENCE_UNSUPPORTED",
      );
    });
  });

  describe("what is kept", () => {
    it("is shared between families, and asked for again after an hour", async () => {
      const source = sourceOf();
      const [first, second] = await Promise.all([fetchFor("intel-sgx", source), fetchFor("intel-sgx", source)]);
      expect(second).to.deep.equal(first);
      expect(service.requests).to.have.length(4);
      await fetchFor("intel-tdx", source);
      const again = service.requests.filter((path) => path.endsWith("/rootcacrl"));
      expect(again).to.have.length(1);
      service.forget();
      now += HOUR;
      await fetchFor("intel-sgx", source);
      expect(service.requests).to.have.length(4);
    });
  });

  describe("simulated service", () => {
    it("serves a revocation at once and never an expired document", async () => {
      const platform = provisionPlatform(vendor, { tee: "intel-sgx", now });
      const serial = platform.pckSerial.slice(2);
      const before = await fetchFor("intel-sgx");
      vendor = revoke(vendor, { issuer: platform.ca, serial: platform.pckSerial, revokedAt: now });
      expect(Buffer.from(before.pckCrl!).toString("hex")).to.not.contain(serial);
      expect(Buffer.from((await fetchFor("intel-sgx")).pckCrl!).toString("hex")).to.contain(serial);
      now += 300 * 24 * HOUR;
      expect((await fetchFor("intel-sgx")).tcbInfo).to.not.equal(undefined);
    });

    it("serves defects when told to", async () => {
      const honest = await fetchFor("intel-sgx");
      defects = { editedTcbInfo: true };
      expect((await fetchFor("intel-sgx")).tcbInfo).to.not.deep.equal(honest.tcbInfo);
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
