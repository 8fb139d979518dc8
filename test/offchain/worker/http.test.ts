import { expect } from "chai";
import { keccak256, sha256 } from "#crypto";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import type { Gpu } from "../../../offchain/device/gpu.ts";
import { simulatedNvidiaDevice } from "../../../offchain/device/simulated/nvidia/report.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { fetchBytes } from "../../../offchain/http/fetch.ts";
import { listen, type Listening } from "../../../offchain/http/server.ts";
import { MAX_SEALED_REQUEST } from "../../../offchain/sealing/request.ts";
import { reportDataOf, type NodeBinding } from "../../../offchain/verifier/binding.ts";
import {
  checkNodeEvidence,
  nodeEvidenceToJson,
  parseNodeEvidence,
  type NodeEvidence,
} from "../../../offchain/verifier/node-evidence.ts";
import { createEvidenceSource, type EvidenceSource } from "../../../offchain/worker/evidence-source.ts";
import { workerApp } from "../../../offchain/worker/http.ts";
import { createInferenceService, type AttestedEpoch } from "../../../offchain/worker/inference-service.ts";
import { codeOf } from "../../support/errors.ts";
import { DOMAIN, NODE_ID, word } from "../../support/receipts.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testVendor } from "../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../support/simulated-nvidia.ts";
import { createTestWorker, openedAnswer, sealedRequest, type TestWorker } from "../../support/worker.ts";

const REGISTRY = { chainId: DOMAIN.chainId, verifyingContract: `0x${"4e".repeat(20)}` } as const;
const blockAt = (number: number) => ({
  blockNumber: BigInt(number),
  blockHash: word(number),
  timestamp: 1_800_000_000 + number,
});

/** Evidence of a simulated TD over a worker's keys, with a simulated GPU where asked for. */
function evidenceSource(worker: TestWorker, attested: () => AttestedEpoch | undefined, gpu?: Gpu): EvidenceSource {
  const platform = provisionPlatform(testVendor(), { tee: "intel-tdx", now: SIMULATED_NOW, name: "machine" });
  const binding: Omit<NodeBinding, "gpuEvidenceHash"> = {
    nodeId: NODE_ID,
    operator: `0x${"0b".repeat(20)}`,
    signingKey: worker.keys.signingAddress,
    sealingKey: toHex(worker.keys.sealingKey.publicKey),
    configHash: word(0xcf),
  };
  const device = simulatedDevice(platform, TEST_MEASUREMENTS);
  return createEvidenceSource({ domain: REGISTRY, binding, signingKey: worker.keys.signingKey, device, gpu }, attested);
}

const hashOf = (evidence: NodeEvidence | undefined): Hex => toHex(keccak256(evidence?.evidence ?? new Uint8Array(0)));

describe("worker", function () {
  this.timeout(60_000);

  let worker: TestWorker;
  let attested: AttestedEpoch | undefined;
  let evidence: EvidenceSource;

  before(async () => {
    worker = await createTestWorker();
  });
  beforeEach(async () => {
    await worker.reset();
    attested = undefined;
    evidence = evidenceSource(worker, () => attested);
  });
  after(() => worker.close());

  describe("evidence source", () => {
    it("has none before the first block", () => {
      expect([evidence.newest(), evidence.anchor(), evidence.byHash(word(1))]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
    });

    it("makes evidence that binds the keys to the block, with a proof that they are held", async () => {
      await evidence.renew(blockAt(1));
      const newest = evidence.newest();
      if (newest === undefined) throw new RangeError("there is no evidence");
      checkNodeEvidence(REGISTRY, newest);
      const { blockNumber, blockHash } = blockAt(1);
      expect(newest).to.deep.include({ anchor: { blockNumber, blockHash }, keyEpoch: null, simulated: true });
      const elsewhere = { ...REGISTRY, chainId: 1n };
      expect(codeOf(() => checkNodeEvidence(elsewhere, newest))).to.equal("BINDING_MISMATCH");
      expect(reportDataOf(REGISTRY, newest.binding, blockAt(2))).to.not.deep.equal(
        reportDataOf(REGISTRY, newest.binding, blockAt(1)),
      );
    });

    it("asks the GPU anew for each block and binds what it says", async () => {
      const gpu = simulatedNvidiaDevice(testNvidiaDevice(testNvidiaVendor()));
      const source = evidenceSource(worker, () => attested, gpu);
      const made: NodeEvidence[] = [];
      for (const number of [1, 2]) {
        await source.renew(blockAt(number));
        const newest = source.newest();
        if (newest === undefined) throw new RangeError("there is no evidence");
        const travelled = parseNodeEvidence(JSON.parse(JSON.stringify(nodeEvidenceToJson(newest))));
        checkNodeEvidence(REGISTRY, travelled);
        expect(travelled.devices).to.have.length(1);
        made.push(travelled);
      }
      const [first, second] = made as [NodeEvidence, NodeEvidence];
      expect(first.binding.gpuEvidenceHash).to.not.equal(second.binding.gpuEvidenceHash);
      const stale = { ...second, devices: first.devices };
      expect(codeOf(() => checkNodeEvidence(REGISTRY, stale))).to.equal("BINDING_MISMATCH");
      await evidence.renew(blockAt(1));
      expect(evidence.newest()).to.deep.include({ devices: [] });
      expect(evidence.newest()?.binding.gpuEvidenceHash).to.equal(word(0));
    });

    it("gives evidence by its hash, with the epoch that is attested now", async () => {
      await evidence.renew(blockAt(1));
      const first = hashOf(evidence.newest());
      await evidence.renew(blockAt(2));
      expect(hashOf(evidence.newest())).to.not.equal(first);
      expect(evidence.anchor()).to.deep.equal(blockAt(2));
      attested = { keyEpoch: 3, evidenceHash: first };
      expect(evidence.byHash(first)).to.deep.include({ keyEpoch: 3 });
      expect(evidence.byHash("nothing")).to.equal(undefined);
    });

    it("keeps the attested evidence however often it is renewed, and forgets the rest", async () => {
      await evidence.renew(blockAt(1));
      const recorded = hashOf(evidence.newest());
      await evidence.renew(blockAt(2));
      const other = hashOf(evidence.newest());
      attested = { keyEpoch: 1, evidenceHash: recorded };
      for (let block = 3; block < 24; block += 1) await evidence.renew(blockAt(block));
      expect(hashOf(evidence.byHash(recorded))).to.equal(recorded);
      expect(evidence.byHash(other)).to.equal(undefined);
      expect(evidence.newest()?.anchor.blockNumber).to.equal(23n);
    });
  });

  describe("endpoints", () => {
    let server: Listening;
    let ready: boolean;
    const failures: string[] = [];

    beforeEach(async () => {
      ready = false;
      failures.length = 0;
      server = await listen(
        workerApp({
          name: "a worker",
          evidence,
          ready: () => ready,
          manifests: [worker.model.manifest],
          infer: createInferenceService(worker.parts),
          responseTo: (hash) => worker.parts.vouchers.responseTo(hash),
          onError: (error) => failures.push((error as { code: string }).code),
        }),
        { port: 0 },
      );
    });
    afterEach(() => server.close(0));

    const ask = (path: string, body?: Uint8Array) =>
      fetchBytes(`${server.url}${path}`, {
        timeoutMs: 10_000,
        maxBytes: 1 << 20,
        ...(body === undefined ? {} : { method: "POST", body }),
      });
    const json = async (path: string): Promise<readonly [number, unknown]> => {
      const { status, body } = await ask(path);
      return [status, JSON.parse(new TextDecoder().decode(body))];
    };
    const refusal = async (path: string, body?: Uint8Array): Promise<readonly [number, string]> => {
      const answer = await ask(path, body);
      const { error } = JSON.parse(new TextDecoder().decode(answer.body)) as { error: { code: string } };
      return [answer.status, error.code];
    };

    it("give the newest evidence, and any by its hash", async () => {
      expect(await refusal("/v1/evidence")).to.deep.equal([404, "NOT_FOUND"]);
      await evidence.renew(blockAt(1));
      const hash = hashOf(evidence.newest());
      await evidence.renew(blockAt(2));
      const [status, newest] = await json("/v1/evidence");
      expect([status, parseNodeEvidence(newest)]).to.deep.equal([200, evidence.newest()]);
      expect(parseNodeEvidence((await json(`/v1/evidence/${hash}`))[1])).to.deep.equal(evidence.byHash(hash));
      for (const unknown of [word(9), "x"]) {
        expect(await refusal(`/v1/evidence/${unknown}`)).to.deep.equal([404, "NOT_FOUND"]);
      }
    });

    it("answer a sealed request, and its stored answer to whoever knows the request", async () => {
      const sent = await sealedRequest(worker);
      const path = `/v1/answers/${toHex(sha256(sent.sealed))}`;
      expect(await refusal(path)).to.deep.equal([404, "NOT_FOUND"]);
      const answer = await ask("/v1/infer", sent.sealed);
      expect([answer.status, answer.headers["content-type"]]).to.deep.equal([200, "application/octet-stream"]);
      expect((await openedAnswer(sent, answer.body)).receipt.units).to.equal(1n);
      expect((await ask(path)).body).to.deep.equal(answer.body);
      expect(await refusal("/v1/answers/x")).to.deep.equal([404, "NOT_FOUND"]);
    });

    it("tell of a request that cannot be opened only that", async () => {
      const { sealed } = await sealedRequest(worker);
      for (const bytes of [sealed.slice(0, -1), new Uint8Array(0), sealed.map((byte) => byte ^ 1)]) {
        const answer = await ask("/v1/infer", bytes);
        expect(answer.status).to.equal(400);
        expect(JSON.parse(new TextDecoder().decode(answer.body))).to.deep.equal({ error: { code: "SEAL_INVALID" } });
      }
    });

    it("refuse an unknown epoch with 409, and a request over the limit with 413", async () => {
      const { sealed } = await sealedRequest(worker, { header: { keyEpoch: 77 } });
      expect(await refusal("/v1/infer", sealed)).to.deep.equal([409, "KEY_UNKNOWN"]);
      const long = new Uint8Array(MAX_SEALED_REQUEST + 1);
      expect(await refusal("/v1/infer", long)).to.deep.equal([413, "REQUEST_TOO_LARGE"]);
      expect(failures).to.deep.equal(["KEY_UNKNOWN", "REQUEST_TOO_LARGE"]);
    });

    it("say in clear what runs, and whether it is attested", async () => {
      expect(await json("/v2/health/live")).to.deep.equal([200, { live: true }]);
      expect(await refusal("/v2/health/ready")).to.deep.equal([503, "SERVICE_UNAVAILABLE"]);
      ready = true;
      expect(await json("/v2/health/ready")).to.deep.equal([200, { ready: true }]);
      expect((await json("/v2"))[1]).to.deep.include({ name: "a worker" });
      const { name, version } = worker.model.manifest;
      expect((await json(`/v2/models/${name}`))[1]).to.deep.include({ name, versions: [version] });
      expect(await refusal("/v2/models/another")).to.deep.equal([404, "NOT_FOUND"]);
    });

    it("offer no inference in clear", async () => {
      const path = `/v2/models/${worker.model.manifest.name}/infer`;
      expect(await refusal(path, new Uint8Array(8))).to.deep.equal([404, "NOT_FOUND"]);
    });
  });
});
