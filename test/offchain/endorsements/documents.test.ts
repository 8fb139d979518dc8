import { expect } from "chai";
import { createDocuments, type Documents, type EndorsementStore } from "../../../offchain/endorsements/documents.ts";
import { createHostGate } from "../../../offchain/endorsements/gate.ts";
import { keyOf, MEDIA, type DocumentRequest } from "../../../offchain/endorsements/request.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { EndorsementError } from "../../../offchain/errors.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { ENDORSEMENT_MIGRATIONS, endorsementDocuments } from "../../../offchain/store/endorsements.ts";
import { openStore, type Store } from "../../../offchain/store/store.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { startVendorService, type TestService } from "../../support/vendor-service.ts";

const NOW = Date.UTC(2027, 0, 15);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("createDocuments", function () {
  this.timeout(30_000);
  let service: TestService;
  let database: Store;
  let store: EndorsementStore;
  let now: number;

  before(async () => {
    service = await startVendorService();
    database = await openStore({ memory: true }, ENDORSEMENT_MIGRATIONS);
    store = endorsementDocuments(database);
  });

  after(async () => {
    await service.close();
    await database.close();
  });

  beforeEach(async () => {
    await database.query("DELETE FROM endorsements");
    service.forget();
    now = NOW;
    serve(NOW + DAY);
  });

  /** A document says until when it holds. */
  const serve = (validUntil: number): void => service.answerWith(() => ({ body: String(validUntil) }));

  function request(name = "part", change: Partial<DocumentRequest> = {}): DocumentRequest {
    return {
      role: "part",
      service: "kds",
      what: `the ${name}`,
      url: `${service.url}/${name}`,
      mediaTypes: MEDIA.certificates,
      take: ({ body, headers }) => ({ body, ...(headers["x-chain"] && { chain: Buffer.from(headers["x-chain"]) }) }),
      inspect: ({ body }) => {
        const until = Number(Buffer.from(body).toString());
        if (Number.isNaN(until)) throw new EndorsementError("ENDORSEMENT_INVALID", "the answer is another");
        return until;
      },
      refreshMs: HOUR,
      ...change,
    };
  }

  const policy = () => ({
    fetch: fetchBytes,
    services: { ...VENDOR_SERVICES, kds: service.url },
    gate: createHostGate(),
    retryDelayMs: 0,
  });
  /** As after a restart: an empty memory over the same store. */
  const started = (): Documents => createDocuments({ policy: policy(), store, now: () => now });
  const messageOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "none",
      (error: unknown) => (error as Error).message,
    );

  it("asks once for many askers, and not again while the answer is fresh", async () => {
    const documents = started();
    const [first, second] = await Promise.all([documents.get(request()), documents.get(request())]);
    expect(second).to.deep.equal(first);
    now += HOUR - 1;
    await documents.get(request());
    expect(service.requests).to.have.length(1);
    now += 1;
    await documents.get(request());
    expect(service.requests).to.have.length(2);
  });

  it("asks nothing after a restart that still holds", async () => {
    service.answerWith(() => ({ headers: { "x-chain": "signer" }, body: String(NOW + DAY) }));
    const before = await started().get(request());
    const after = await started().get(request());
    expect(service.requests).to.have.length(1);
    expect(Buffer.from(after?.chain ?? []).toString()).to.equal("signer");
    expect(after).to.include({ url: before?.url, fetchedAt: NOW, validUntil: NOW + DAY, what: "the part" });
  });

  it("goes on with what holds while the service does not answer", async () => {
    await started().get(request());
    service.answerWith(() => ({ status: 503 }));
    now += 2 * HOUR;
    expect((await started().get(request()))?.fetchedAt).to.equal(NOW);
    expect(service.requests).to.have.length(4);
  });

  it("refuses what holds no more while the service does not answer, and says until when it did", async () => {
    await started().get(request());
    service.answerWith((path) => (path === "/part" ? { status: 503 } : undefined));
    now += DAY;
    const documents = started();
    expect(await codeOfAsync(async () => documents.get(request()))).to.equal("ENDORSEMENT_UNAVAILABLE");
    const message = await messageOf(documents.get(request()));
    expect(message).to.contain("the part").and.to.contain("valid until 2027-01-16T00:00:00.000Z");
  });

  it("replaces what holds no more", async () => {
    await started().get(request());
    now += DAY;
    serve(now + DAY);
    expect((await started().get(request()))?.validUntil).to.equal(now + DAY);
    expect((await store.list()).map(({ validUntil }) => validUntil)).to.deep.equal([now + DAY]);
  });

  it("refuses what is served wrong or expired, and keeps what it had", async () => {
    const documents = started();
    await documents.get(request());
    now += HOUR;
    service.answerWith(() => ({ body: "of another" }));
    expect(await codeOfAsync(async () => documents.get(request()))).to.equal("ENDORSEMENT_INVALID");
    serve(NOW);
    expect(await codeOfAsync(async () => started().get(request()))).to.equal("ENDORSEMENT_EXPIRED");
    expect((await store.list()).map(({ validUntil }) => validUntil)).to.deep.equal([NOW + DAY]);
  });

  it("gives out nothing of the store that is no answer to the question", async () => {
    const { url, service: name, what } = { ...request(), url: keyOf(request()) };
    const forged = { url, service: name, what, body: Buffer.from("forged"), fetchedAt: NOW, validUntil: NOW + DAY };
    await store.put(forged);
    await started().get(request());
    expect(service.requests).to.have.length(1);
  });

  it("believes a document and not the store about until when it holds", async () => {
    await started().get(request());
    const [kept] = await store.list();
    if (kept === undefined) throw new Error("nothing was kept");
    await store.put({ ...kept, validUntil: NOW + 400 * DAY, fetchedAt: NOW + 300 * DAY });
    now = NOW + 300 * DAY;
    serve(now + DAY);
    expect((await started().get(request()))?.validUntil).to.equal(now + DAY);
  });

  it("remembers for a minute that a service has nothing, and no failure that passes", async () => {
    const documents = started();
    service.answerWith(() => ({ status: 404 }));
    for (const _ of [1, 2])
      expect(await codeOfAsync(async () => documents.get(request()))).to.equal("ENDORSEMENT_UNAVAILABLE");
    const absent = request("manifest", { mayBeAbsent: true });
    expect([await documents.get(absent), await documents.get(absent)]).to.deep.equal([undefined, undefined]);
    expect(service.requests).to.deep.equal(["GET /part", "GET /manifest"]);
    now += 60_000;
    serve(NOW + DAY);
    expect(await documents.get(request())).to.have.property("fetchedAt", now);
    service.answerWith(() => ({ status: 503 }));
    expect(await codeOfAsync(async () => documents.get(request("third")))).to.equal("ENDORSEMENT_UNAVAILABLE");
    serve(NOW + DAY);
    expect(await documents.get(request("third"))).to.have.property("fetchedAt", now);
  });

  it("gives out only what is kept where no service is to be asked", async () => {
    await started().get(request());
    const offline = createDocuments({ store, now: () => now });
    now += 2 * HOUR;
    expect(await offline.get(request())).to.have.property("fetchedAt", NOW);
    expect(await codeOfAsync(async () => offline.get(request("other")))).to.equal("ENDORSEMENT_UNAVAILABLE");
    now += DAY;
    expect(await codeOfAsync(async () => offline.get(request()))).to.equal("ENDORSEMENT_UNAVAILABLE");
    expect(service.requests).to.have.length(1);
  });

  it("keeps questions that are posted apart", async () => {
    const post = (byte: number): Partial<DocumentRequest> => ({
      post: { body: Uint8Array.of(byte), contentType: "application/ocsp-request" },
    });
    const documents = started();
    for (const byte of [1, 2, 1]) await documents.get(request("status", post(byte)));
    expect(service.requests).to.have.length(2);
    expect((await store.list()).map(({ url }) => url)).to.deep.equal([
      `${service.url}/status/AQ%3D%3D`,
      `${service.url}/status/Ag%3D%3D`,
    ]);
  });

  it("forgets the oldest in memory where it is full", async () => {
    const documents = createDocuments({ policy: policy(), now: () => now, capacity: 2 });
    for (const name of ["a", "b", "c", "b", "c", "a"]) await documents.get(request(name));
    expect(service.requests).to.have.length(4);
  });
});
