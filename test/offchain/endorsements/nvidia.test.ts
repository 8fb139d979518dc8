import { expect } from "chai";
import {
  provisionNvidiaDevice,
  type NvidiaDeviceOptions,
} from "../../../offchain/device/simulated/nvidia/provision.ts";
import { simulatedNvidiaDevice } from "../../../offchain/device/simulated/nvidia/report.ts";
import { createNvidiaHandler, type NvidiaServiceOptions } from "../../../offchain/device/simulated/nvidia/service.ts";
import type { GpuReport } from "../../../offchain/device/gpu.ts";
import { rimIdsOf } from "../../../offchain/endorsements/rim-ids.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { createEndorsementSource, type EndorsementSource } from "../../../offchain/endorsements/source.ts";
import { parseDeviceReport } from "../../../offchain/evidence/nvidia/report.ts";
import type { NvidiaEndorsements } from "../../../offchain/evidence/nvidia/endorsements.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { parseOcspResponse } from "../../../offchain/x509/ocsp-response.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { deviceReport, createDevice, GPU_RECORDS, record } from "../../support/nvidia-device.ts";
import { SIMULATED_NOW } from "../../support/simulated-intel.ts";
import { testNvidiaVendor } from "../../support/simulated-nvidia.ts";
import { startVendorService, type TestAnswer, type TestService } from "../../support/vendor-service.ts";

const DAY = 86_400_000;
const DRIVER = "NV_GPU_DRIVER_GH100_951.51.02";

describe("endorsements from NVIDIA's services", function () {
  this.timeout(30_000);
  const vendor = testNvidiaVendor();
  let service: TestService;
  let gpu: GpuReport;

  before(async () => {
    service = await startVendorService();
    gpu = await reportOf({ kind: "gpu", now: SIMULATED_NOW });
  });

  after(async () => service.close());

  beforeEach(() => {
    service.forget();
    serve();
  });

  const reportOf = (options: NvidiaDeviceOptions): Promise<GpuReport> =>
    simulatedNvidiaDevice(provisionNvidiaDevice(vendor, { name: "device", ...options })).report(new Uint8Array(32));

  /** Both services of the simulated vendor, some answers replaced. */
  function serve(
    defects: ReturnType<NonNullable<NvidiaServiceOptions["defects"]>> = {},
    replaced?: Readonly<Record<string, TestAnswer>>,
  ): void {
    const handle = createNvidiaHandler({ vendor: () => vendor, now: () => SIMULATED_NOW, defects: () => defects });
    service.answerWith((path, body) => {
      const method = body.length > 0 ? "POST" : "GET";
      const contentType = method === "POST" ? "application/ocsp-request" : undefined;
      const end = Object.keys(replaced ?? {}).find((name) => path.endsWith(name));
      return end === undefined ? handle({ method, path, contentType, body }) : replaced?.[end];
    });
  }

  const source = (now = SIMULATED_NOW): EndorsementSource =>
    createEndorsementSource({
      services: { ...VENDOR_SERVICES, nvidiaRim: service.url, nvidiaOcsp: service.url, nvidiaNras: service.url },
      fetch: fetchBytes,
      now: () => now,
      retryDelayMs: 0,
    });
  const fetchFor = async ({ evidence, certChain }: GpuReport, from = source()): Promise<NvidiaEndorsements> =>
    (await from.endorsementsFor(evidence, { nvidia: { certChain } })).nvidia ?? {};
  const statusesIn = ({ ocspResponses = [] }: NvidiaEndorsements): readonly string[] =>
    ocspResponses.flatMap((der) => parseOcspResponse(der).responses.map(({ status }) => status.kind));

  it("fetches a GPU's manifests and the status of every certificate under a root but the device's own", async () => {
    const endorsements = await fetchFor(gpu);
    expect(endorsements.certChain).to.deep.equal(gpu.certChain);
    for (const role of ["driverRim", "vbiosRim"] as const) {
      expect(Buffer.from(endorsements[role] ?? []).toString()).to.match(/^<SoftwareIdentity /);
    }
    const asked = service.requests.filter((request) => request.startsWith("GET "));
    expect(asked.toSorted()).to.deep.equal([
      `GET /v1/rim/${DRIVER}`,
      "GET /v1/rim/NV_GPU_VBIOS_51AD_0001_51A_9651AD0002",
    ]);
    const statuses = statusesIn(endorsements);
    expect(statuses.length).to.be.greaterThan(3);
    expect(new Set(statuses)).to.deep.equal(new Set(["good"]));
  });

  it("fetches a switch's one manifest", async () => {
    const { driverRim, vbiosRim } = await fetchFor(await reportOf({ kind: "switch", now: SIMULATED_NOW }));
    expect([driverRim === undefined, vbiosRim === undefined]).to.deep.equal([true, false]);
    expect(service.requests).to.include("GET /v1/rim/NV_SWITCH_BIOS_5612_0002_890_9651AD0002");
  });

  it("asks for nothing twice while it is fresh, and after an hour only for what may have changed", async () => {
    let now = SIMULATED_NOW;
    const shared = createEndorsementSource({
      services: { ...VENDOR_SERVICES, nvidiaRim: service.url, nvidiaOcsp: service.url },
      fetch: fetchBytes,
      now: () => now,
    });
    await fetchFor(gpu, shared);
    service.forget();
    await fetchFor(gpu, shared);
    expect(service.requests).to.deep.equal([]);
    now += 3_600_000;
    await fetchFor(gpu, shared);
    expect(new Set(service.requests)).to.deep.equal(new Set(["POST /"]));
  });

  it("leaves out a manifest that the service does not have, and says what is not kept", async () => {
    serve({}, { [DRIVER]: { status: 404 } });
    const from = source();
    const { driverRim, vbiosRim } = await fetchFor(gpu, from);
    expect([driverRim === undefined, vbiosRim === undefined]).to.deep.equal([true, false]);
    const needs = await from.needsOf(gpu.evidence, { nvidia: { certChain: gpu.certChain } });
    const missing = needs.filter(({ state }) => state !== "held");
    expect(missing.map(({ what, required }) => [what, required])).to.deep.equal([
      [`reference manifest ${DRIVER}`, false],
    ]);
  });

  it("cannot do without the device's chain", async () => {
    expect(await codeOfAsync(async () => source().endorsementsFor(gpu.evidence))).to.equal("ENDORSEMENT_UNAVAILABLE");
    expect(service.requests).to.deep.equal([]);
  });

  const json = { "content-type": "application/json" };
  const rim = (change: Readonly<Record<string, unknown>>): TestAnswer => ({
    headers: json,
    body: JSON.stringify({ id: DRIVER, rim: Buffer.from("<a/>").toString("base64"), ...change }),
  });
  const cases: readonly (readonly [string, TestAnswer, string])[] = [
    ["another manifest", rim({ id: "NV_GPU_DRIVER_GH100_951.51.01" }), "ENDORSEMENT_INVALID"],
    ["a manifest of another digest", rim({ sha256: "00".repeat(32) }), "ENDORSEMENT_INVALID"],
    ["a manifest that is no XML", rim({ rim: "AAAA" }), "ENDORSEMENT_INVALID"],
    ["a manifest that is no base64", rim({ rim: "<a/>" }), "ENDORSEMENT_INVALID"],
    ["no manifest", { headers: json, body: "{}" }, "ENDORSEMENT_INVALID"],
    ["a service that wants a key", { status: 401 }, "ENDORSEMENT_UNAVAILABLE"],
    ["a failure", { status: 500 }, "ENDORSEMENT_UNAVAILABLE"],
  ];
  for (const [name, answer, code] of cases) {
    it(`says ${code} for ${name}`, async () => {
      serve({}, { [DRIVER]: answer });
      expect(await codeOfAsync(async () => fetchFor(gpu))).to.equal(code);
    });
  }

  const statuses: readonly (readonly [string, Parameters<typeof serve>[0], string])[] = [
    ["a status of another certificate", { ocsp: { otherCertificate: true } }, "ENDORSEMENT_INVALID"],
    ["a status that holds no more", { ocsp: { stale: true } }, "ENDORSEMENT_EXPIRED"],
    ["a responder that asks to come back", { ocsp: { unavailable: true } }, "ENDORSEMENT_UNAVAILABLE"],
    ["a forged status, which verification refuses", { ocsp: { forgedSignature: true } }, "none"],
  ];
  for (const [name, defects, code] of statuses) {
    it(`says ${code} for ${name}`, async () => {
      serve(defects);
      expect(await codeOfAsync(async () => fetchFor(gpu))).to.equal(code);
    });
  }

  it("gets the keys of the attestation service and keeps them for a day at most", async () => {
    const coordinate = Buffer.alloc(48, 1).toString("base64url");
    const key = { kty: "EC", crv: "P-384", kid: "one", x: coordinate, y: coordinate };
    const keys: TestAnswer = { headers: json, body: JSON.stringify({ keys: [key] }) };
    serve({}, { "/.well-known/jwks.json": keys });
    let now = SIMULATED_NOW;
    const from = createEndorsementSource({
      services: { ...VENDOR_SERVICES, nvidiaNras: service.url },
      fetch: fetchBytes,
      now: () => now,
      retryDelayMs: 0,
    });
    expect([...(await from.nvidiaKeySet()).keys()]).to.deep.equal(["one"]);
    serve({}, { "/.well-known/jwks.json": { status: 503 } });
    now += DAY - 1;
    expect([...(await from.nvidiaKeySet()).keys()]).to.deep.equal(["one"]);
    now += 1;
    expect(await codeOfAsync(async () => from.nvidiaKeySet())).to.equal("ENDORSEMENT_UNAVAILABLE");
  });
});

describe("rimIdsOf", () => {
  const device = createDevice();
  const board = [
    record(15, Buffer.from("895\0")),
    record(17, Buffer.from("1010\0")),
    record(18, Buffer.from("0200\0")),
  ];
  const idsOf = (records: readonly Buffer[], name?: string) =>
    rimIdsOf(parseDeviceReport(deviceReport(device, { records })), name);

  it("names driver and VBIOS of a GPU by chip, board and versions", () => {
    expect(idsOf([...GPU_RECORDS, ...board], "GH100 A01 GSP FMC LF")).to.deep.equal({
      driverRim: "NV_GPU_DRIVER_GH100_590.12",
      vbiosRim: "NV_GPU_VBIOS_1010_0200_895_9600A50001",
    });
  });

  it("leaves out what the report does not say", () => {
    expect(idsOf(GPU_RECORDS, "GH100 A01 GSP FMC LF")).to.deep.equal({ driverRim: "NV_GPU_DRIVER_GH100_590.12" });
    expect(idsOf(GPU_RECORDS)).to.deep.equal({});
  });

  it("takes nothing into an id that could change the path", () => {
    const odd = [record(3, Buffer.from("../../x\0")), ...GPU_RECORDS.slice(1)];
    expect(idsOf(odd, "GH100 A01")).to.deep.equal({});
  });
});
