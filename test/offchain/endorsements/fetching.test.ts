import { expect } from "chai";
import type { ServerResponse } from "node:http";
import { fetchDocument, type FetchPolicy } from "../../../offchain/endorsements/fetching.ts";
import { createHostGate } from "../../../offchain/endorsements/gate.ts";
import { MEDIA, type DocumentRequest } from "../../../offchain/endorsements/request.ts";
import { isServiceUrl, parseServices, VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { codeOf, codeOfAsync } from "../../support/errors.ts";
import { startVendorService, type TestAnswer, type TestService } from "../../support/vendor-service.ts";

const SERVICES = VENDOR_SERVICES;
const GOOD: TestAnswer = { headers: { "content-type": "application/octet-stream" }, body: "document" };

describe("fetchDocument", () => {
  let service: TestService;
  let other: TestService;

  before(async () => {
    [service, other] = [await startVendorService(), await startVendorService()];
  });

  after(async () => {
    await Promise.all([service.close(), other.close()]);
  });

  beforeEach(() => {
    service.forget();
    other.forget();
  });

  function request(change: Partial<DocumentRequest> = {}): DocumentRequest {
    return {
      role: "part",
      service: "kds",
      what: "the part",
      url: `${service.url}/v1/part`,
      mediaTypes: MEDIA.certificates,
      take: ({ body }) => ({ body }),
      inspect: () => 0,
      refreshMs: 0,
      ...change,
    };
  }

  function policy(change: Partial<FetchPolicy> = {}): FetchPolicy {
    const services = { ...SERVICES, kds: service.url };
    return { fetch: fetchBytes, services, gate: createHostGate(), retryDelayMs: 0, maxBytes: 1000, ...change };
  }

  /** The code of the failure, and how often the service was asked. */
  async function outcome(answer: TestAnswer, change: Partial<FetchPolicy> = {}): Promise<string> {
    service.answerWith(() => answer);
    const fetched = await fetchDocument(request(), policy(change));
    const said = fetched === undefined ? "none" : "failure" in fetched ? fetched.failure.code : "document";
    return `${said} after ${service.requests.length}`;
  }

  const cut = (_request: unknown, response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": "100" });
    response.write("not all");
    setImmediate(() => response.destroy());
  };

  const cases: readonly (readonly [string, TestAnswer, string, Partial<FetchPolicy>?])[] = [
    ["a good answer", GOOD, "document after 1"],
    ["a good answer that names no type", { body: "document" }, "document after 1"],
    ["a slow answer", () => undefined, "ENDORSEMENT_UNAVAILABLE after 2", { timeoutMs: 40, attempts: 2 }],
    ["a truncated answer", cut, "ENDORSEMENT_UNAVAILABLE after 3"],
    ["a reset connection", (of) => void of.socket.destroy(), "ENDORSEMENT_UNAVAILABLE after 3"],
    ["an oversized answer", { body: new Uint8Array(1001) }, "ENDORSEMENT_INVALID after 1"],
    ["a page", { headers: { "content-type": "text/html; charset=utf-8" }, body: "<p>" }, "ENDORSEMENT_INVALID after 1"],
    ["a document that is not known", { status: 404 }, "ENDORSEMENT_UNAVAILABLE after 1"],
    ["a refusal", { status: 403 }, "ENDORSEMENT_UNAVAILABLE after 1"],
    ["a failure of the service", { status: 500 }, "ENDORSEMENT_UNAVAILABLE after 3"],
    ["a service that cannot keep up", { status: 429 }, "ENDORSEMENT_UNAVAILABLE after 3"],
    ["a wait that is asked for", { status: 429, headers: { "retry-after": "0" } }, "ENDORSEMENT_UNAVAILABLE after 3"],
  ];
  for (const [name, answer, expected, change] of cases) {
    it(`gives ${expected} for ${name}`, async () => {
      expect(await outcome(answer, change)).to.equal(expected);
    });
  }

  it("asks again after a passing failure", async () => {
    let failures = 2;
    service.answerWith(() => (failures-- > 0 ? { status: 503 } : GOOD));
    const fetched = await fetchDocument(request(), policy());
    expect(fetched).to.have.property("status", 200);
    expect(service.requests).to.have.length(3);
  });

  it("follows no redirect, whether to another host or to the same", async () => {
    other.answerWith(() => GOOD);
    for (const location of [`${other.url}/v1/part`, "/v1/elsewhere"]) {
      expect(await outcome({ status: 302, headers: { location } })).to.match(/^ENDORSEMENT_INVALID/);
    }
    expect(other.requests).to.deep.equal([]);
    expect(service.requests).to.have.length(2);
  });

  it("sends nothing to a host that is not configured", async () => {
    const asked = fetchDocument(request({ url: `${other.url}/v1/part` }), policy());
    expect(await codeOfAsync(async () => asked)).to.equal("ENDORSEMENT_INVALID");
    expect(other.requests).to.deep.equal([]);
  });

  it("leaves a service alone for as long as it asks for, for every document, and says for how long", async () => {
    const gate = createHostGate();
    const limits = { gate, longestWaitMs: 1000 };
    service.answerWith(() => ({ status: 429, headers: { "retry-after": "120" } }));
    const asked = async (path: string): Promise<unknown> =>
      fetchDocument(request({ url: `${service.url}/${path}` }), policy(limits));
    expect(await codeOfAsync(() => asked("first"))).to.equal("ENDORSEMENT_UNAVAILABLE");
    service.answerWith(() => GOOD);
    expect(await codeOfAsync(() => asked("second"))).to.equal("ENDORSEMENT_UNAVAILABLE");
    expect(service.requests).to.deep.equal(["GET /first"]);
  });

  it("waits as long as it is asked to, given as a number or as a date, where that is not too long", async () => {
    for (const wait of ["1", new Date(Date.now() + 1000).toUTCString()]) {
      let failures = 1;
      service.answerWith(() => (failures-- > 0 ? { status: 503, headers: { "retry-after": wait } } : GOOD));
      expect(await fetchDocument(request(), policy())).to.have.property("status", 200);
    }
  });

  it("tells an absent document from a failure where the request allows for it", async () => {
    service.answerWith(() => ({ status: 404 }));
    expect(await fetchDocument(request({ mayBeAbsent: true }), policy())).to.equal(undefined);
  });

  it("posts what is to be posted", async () => {
    let sent: Uint8Array | undefined;
    service.answerWith((_path, body) => {
      sent = body;
      return { headers: { "content-type": "application/ocsp-response" }, body: "answer" };
    });
    const post = { body: Uint8Array.of(1, 2, 3), contentType: "application/ocsp-request" };
    await fetchDocument(request({ post, mediaTypes: MEDIA.ocsp }), policy());
    expect(service.requests).to.deep.equal(["POST /v1/part"]);
    expect([...(sent ?? [])]).to.deep.equal([1, 2, 3]);
  });

  it("stops when it is told to", async () => {
    service.answerWith(() => ({ status: 503 }));
    const signal = AbortSignal.timeout(20);
    const stopped = async (): Promise<unknown> => {
      const fetched = await fetchDocument(request(), policy({ signal, retryDelayMs: 60_000 }));
      if (fetched !== undefined && "failure" in fetched) throw fetched.failure;
      return fetched;
    };
    expect(await codeOfAsync(stopped)).to.equal("ENDORSEMENT_UNAVAILABLE");
  });
});

describe("createHostGate", () => {
  it("spaces the requests that need it, lets the others through, and refuses a wait that is too long", async () => {
    const gate = createHostGate(() => 0);
    const spaced = { spacingMs: 20, longestMs: 50 };
    await gate.enter("host", spaced);
    await gate.enter("host", spaced);
    await gate.enter("host", spaced);
    expect(await codeOfAsync(async () => gate.enter("host", spaced))).to.equal("ENDORSEMENT_UNAVAILABLE");
    await gate.enter("host", { spacingMs: 0, longestMs: 0 });
    await gate.enter("other", { ...spaced, longestMs: 0 });
  });

  it("lets nobody through while a host is closed", async () => {
    let clock = 0;
    const gate = createHostGate(() => clock);
    gate.close("host", 5000);
    gate.close("host", 1);
    const enter = async (): Promise<void> => gate.enter("host", { spacingMs: 0, longestMs: 100 });
    expect(await codeOfAsync(enter)).to.equal("ENDORSEMENT_UNAVAILABLE");
    clock = 5000;
    await enter();
  });
});

describe("parseServices", () => {
  it("takes the vendors' own where nothing else is given, and leaves out the slash at the end", () => {
    expect(parseServices({}, "services")).to.deep.equal(VENDOR_SERVICES);
    expect(parseServices({ pcs: "https://pccs.example:8081/" }, "services").pcs).to.equal("https://pccs.example:8081");
  });

  it("takes plain http from this machine alone", () => {
    for (const pcs of ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]) {
      expect(parseServices({ pcs }, "services").pcs).to.equal(pcs);
    }
    for (const pcs of ["http://pcs.example", "http://127.0.0.1.example", "http://10.0.0.1", "ftp://127.0.0.1", "pcs"]) {
      expect(
        codeOf(() => parseServices({ pcs }, "services")),
        pcs,
      ).to.equal("CONFIG_INVALID");
    }
  });

  it("refuses an unknown service, a password, a query and what is no text", () => {
    const wrong = [{ arm: "https://a" }, { kds: "https://a:b@c" }, { kds: "https://a/?b" }, { kds: 1 }, [], null];
    for (const value of wrong) expect(codeOf(() => parseServices(value, "services"))).to.equal("CONFIG_INVALID");
  });
});

describe("isServiceUrl", () => {
  const services = { ...VENDOR_SERVICES, pcs: "https://pccs.example/base" };
  const cases: readonly (readonly [string, boolean])[] = [
    ["https://kdsintf.amd.com/vcek/v1/Milan/crl", true],
    ["https://ocsp.ndis.nvidia.com", true],
    ["https://pccs.example/base/sgx/certification/v4/tcb?fmspc=0", true],
    ["https://pccs.example/based", false],
    ["https://pccs.example/base/../other", false],
    ["https://kdsintf.amd.com.example/vcek", false],
    ["http://kdsintf.amd.com/vcek", false],
    ["https://certificates.trustedservices.intel.com/IntelSGXRootCA.der", false],
    ["kds", false],
  ];
  for (const [url, expected] of cases) {
    it(`says ${expected} for ${url}`, () => expect(isServiceUrl(url, services)).to.equal(expected));
  }

  it("knows Intel's other host where Intel's own service is asked", () => {
    const url = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
    expect(isServiceUrl(url, VENDOR_SERVICES)).to.equal(true);
  });
});
