import { expect } from "chai";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { createEndorsementSource, type EndorsementSource } from "../../../offchain/endorsements/source.ts";
import type { Product } from "../../../offchain/evidence/sev-snp/product.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../../offchain/verifier/verify.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { createRsaKeys, NOW, pem } from "../../support/pki.ts";
import {
  CHIP_ID,
  snpCrl,
  snpEndorsements,
  snpReport,
  snpVendor,
  TURIN_CHIP_ID,
  type ReportParts,
  type SnpVendor,
  type VekParts,
} from "../../support/sev-snp.ts";
import { startVendorService, type TestAnswer, type TestService } from "../../support/vendor-service.ts";

const DAY = 86_400_000;
const CHIPS: Readonly<Record<Product, string>> = {
  Milan: CHIP_ID.toString("hex"),
  Genoa: CHIP_ID.toString("hex"),
  Turin: TURIN_CHIP_ID.subarray(0, 8).toString("hex"),
};
const SPL = "blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219";

describe("endorsements from AMD's key distribution service", function () {
  this.timeout(60_000);
  let service: TestService;
  let vendor: SnpVendor;

  before(async () => {
    service = await startVendorService();
    vendor = snpVendor();
  });

  after(async () => service.close());

  beforeEach(() => service.forget());

  /** A key distribution service for one product, as AMD's answers; some answers replaced. */
  function serve(parts: VekParts = {}, replaced: Readonly<Record<string, TestAnswer>> = {}): void {
    const { product = "Milan", type = "VCEK" } = parts;
    const { vek, ask, ark } = snpEndorsements(vendor, parts);
    const base = `/${type.toLowerCase()}/v1/${product}`;
    const octets = { "content-type": "application/octet-stream" };
    service.answerWith((path) => {
      const end = Object.keys(replaced).find((name) => path.includes(name));
      if (end !== undefined) return replaced[end];
      if (path === `${base}/cert_chain`)
        return { headers: { "content-type": "application/x-pem-file" }, body: pem("CERTIFICATE", ask, ark) };
      if (path === `${base}/crl`) return { headers: octets, body: snpCrl(vendor, { issuer: `ARK-${product}` }) };
      return type === "VCEK" && path.startsWith(`${base}/${CHIPS[product]}?`)
        ? { headers: octets, body: vek }
        : undefined;
    });
  }

  const source = (): EndorsementSource =>
    createEndorsementSource({
      services: { ...VENDOR_SERVICES, kds: service.url },
      fetch: fetchBytes,
      now: () => NOW,
      retryDelayMs: 0,
    });

  async function verdictOf(
    report: ReportParts,
    given: Parameters<EndorsementSource["endorsementsFor"]>[1] = {},
  ): Promise<string> {
    const evidence = snpReport(vendor, report);
    const result = await verifyEvidence(evidence, {
      endorsements: await source().endorsementsFor(evidence, given),
      trustRoots: [vendor.trustRoot(report.product ?? "Milan")],
      now: NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
    });
    return result.verdict;
  }

  const products: readonly (readonly [Product, string])[] = [
    ["Milan", SPL],
    ["Genoa", SPL],
    ["Turin", `fmcSPL=01&${SPL}`],
  ];
  for (const [product, spl] of products) {
    it(`fetches what verifies a report of ${product}, by its chip and TCB`, async () => {
      serve({ product });
      expect(await verdictOf({ product })).to.equal("affirming");
      expect(service.requests.toSorted()).to.deep.equal([
        `GET /vcek/v1/${product}/${CHIPS[product]}?${spl}`,
        `GET /vcek/v1/${product}/cert_chain`,
        `GET /vcek/v1/${product}/crl`,
      ]);
    });
  }

  it("tries the products that a report without a processor can be of", async () => {
    serve({ product: "Genoa" });
    expect(await verdictOf({ version: 2, product: "Genoa" })).to.equal("affirming");
    expect(service.requests.filter((path) => path.includes(CHIPS.Genoa))).to.deep.equal([
      `GET /vcek/v1/Milan/${CHIPS.Milan}?${SPL}`,
      `GET /vcek/v1/Genoa/${CHIPS.Genoa}?${SPL}`,
    ]);
  });

  it("fetches the chain above a VLEK certificate that came along, and never the certificate", async () => {
    serve({ type: "VLEK" });
    const { vek } = snpEndorsements(vendor, { type: "VLEK" });
    expect(await verdictOf({ type: "VLEK" }, { sevSnp: { vek } })).to.equal("affirming");
    expect(service.requests.toSorted()).to.deep.equal(["GET /vlek/v1/Milan/cert_chain", "GET /vlek/v1/Milan/crl"]);
    service.forget();
    expect(await codeOfAsync(async () => verdictOf({ type: "VLEK" }))).to.equal("ENDORSEMENT_UNAVAILABLE");
    expect(service.requests).to.deep.equal([]);
  });

  it("asks for a chip once, however many reports it makes", async () => {
    serve();
    const shared = source();
    const reports = [1, 2, 3].map((byte) => snpReport(vendor, { at: [[0x50, Buffer.of(byte)]] }));
    await Promise.all(reports.map((report) => shared.endorsementsFor(report)));
    expect(service.requests).to.have.length(3);
  });

  describe("refusals", () => {
    const cases: readonly (readonly [string, string, () => TestAnswer, string])[] = [
      ["a chip that is not known", CHIPS.Milan, () => ({ status: 404 }), "ENDORSEMENT_UNAVAILABLE"],
      ["a service that cannot keep up", CHIPS.Milan, () => ({ status: 429 }), "ENDORSEMENT_UNAVAILABLE"],
      [
        "the certificate of another chip",
        CHIPS.Milan,
        () => ({ body: snpEndorsements(vendor, { extensions: { "4": Buffer.alloc(64, 0xc2) } }).vek }),
        "ENDORSEMENT_INVALID",
      ],
      [
        "the certificate of another TCB",
        CHIPS.Milan,
        () => ({ body: snpEndorsements(vendor, { extensions: { "3.3": Buffer.from("020117", "hex") } }).vek }),
        "ENDORSEMENT_INVALID",
      ],
      [
        "a VLEK certificate",
        CHIPS.Milan,
        () => ({ body: snpEndorsements(vendor, { type: "VLEK" }).vek }),
        "ENDORSEMENT_INVALID",
      ],
      ["no certificate", CHIPS.Milan, () => ({ body: "none" }), "ENDORSEMENT_INVALID"],
      [
        "an expired certificate",
        CHIPS.Milan,
        () => ({ body: snpEndorsements(vendor, { vek: { notAfter: NOW - DAY } }).vek }),
        "ENDORSEMENT_EXPIRED",
      ],
      [
        "the chain of another product",
        "cert_chain",
        () => {
          const { ask, ark } = snpEndorsements(vendor, { product: "Genoa" });
          return { body: pem("CERTIFICATE", ask, ark) };
        },
        "ENDORSEMENT_INVALID",
      ],
      [
        "half a chain",
        "cert_chain",
        () => ({ body: pem("CERTIFICATE", snpEndorsements(vendor).ask) }),
        "ENDORSEMENT_INVALID",
      ],
      [
        "the list of another product",
        "/crl",
        () => ({ body: snpCrl(vendor, { issuer: "ARK-Genoa" }) }),
        "ENDORSEMENT_INVALID",
      ],
      [
        "an expired list",
        "/crl",
        () => ({ body: snpCrl(vendor, { thisUpdate: NOW - 9 * DAY, nextUpdate: NOW - DAY }) }),
        "ENDORSEMENT_EXPIRED",
      ],
    ];
    for (const [name, path, answer, code] of cases) {
      it(`says ${code} for ${name}`, async () => {
        serve({}, { [path]: answer() });
        expect(await codeOfAsync(async () => verdictOf({}))).to.equal(code);
      });
    }

    it("leaves a forged certificate of the right chip to verification, which refuses it", async () => {
      const { vek } = snpEndorsements(vendor, { vek: { issuerKeys: createRsaKeys() } });
      serve({}, { [CHIPS.Milan]: { body: vek } });
      expect(await verdictOf({})).to.equal("contraindicated");
    });
  });

  it("keeps to one certificate of a chip in ten seconds at AMD's own service", async () => {
    const asked: string[] = [];
    const { vek } = snpEndorsements(vendor);
    const own = createEndorsementSource({
      services: VENDOR_SERVICES,
      longestWaitMs: 100,
      now: () => NOW,
      fetch: async (url) => {
        asked.push(url);
        return url.includes("SPL=")
          ? { status: 200, headers: {}, body: vek }
          : { status: 404, headers: {}, body: new Uint8Array(0) };
      },
    });
    const reports = [CHIP_ID, Buffer.alloc(64, 0xc2)].map((chip) => snpReport(vendor, { at: [[0x1a0, chip]] }));
    for (const report of reports) {
      expect(await codeOfAsync(async () => own.endorsementsFor(report))).to.equal("ENDORSEMENT_UNAVAILABLE");
    }
    expect(asked.filter((url) => url.includes("SPL="))).to.have.length(1);
  });
});
