import { createApp, readBytes, type App } from "../http/server.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { RequestError, ServiceError } from "../errors.ts";
import type { ModelManifest } from "../model/manifest.ts";
import { MAX_SEALED_REQUEST } from "../sealing/request.ts";
import { nodeEvidenceToJson, type NodeEvidence } from "../verifier/node-evidence.ts";
import type { EvidenceSource } from "./evidence-source.ts";

export interface WorkerFace {
  readonly name: string;
  readonly evidence: EvidenceSource;
  /** True while the registry calls the node active under this process's keys. */
  readonly ready: () => boolean;
  readonly manifests: readonly ModelManifest[];
  readonly infer: (sealed: Uint8Array) => Promise<Uint8Array>;
  /** The stored sealed answer to a sealed request with this SHA-256. */
  readonly responseTo: (requestHash: Hex) => Promise<Uint8Array | undefined>;
  readonly onError: (error: unknown, path: string) => void;
}

const OCTETS = { "content-type": "application/octet-stream" };

/** The worker's endpoints; see docs/protocol.md section 9. */
export function workerApp(face: WorkerFace): App {
  const app = createApp({ maxBodyBytes: MAX_SEALED_REQUEST, handlerTimeoutMs: 60_000, onError: face.onError });
  app.get("/v1/evidence", (context) => context.json(evidenceJson(face.evidence.newest())));
  app.get("/v1/evidence/:hash", (context) =>
    context.json(evidenceJson(face.evidence.byHash(context.req.param("hash")))),
  );
  app.post("/v1/infer", async (context) =>
    context.body(bodyOf(await face.infer(await readBytes(context))), 200, OCTETS),
  );
  app.get("/v1/answers/:hash", async (context) => {
    const hash = parseHex(context.req.param("hash"), 32);
    const answer = hash === undefined ? undefined : await face.responseTo(toHex(hash));
    if (answer === undefined) throw new RequestError("NOT_FOUND", "no answer to such a request is stored");
    return context.body(bodyOf(answer), 200, OCTETS);
  });
  addInferenceProtocol(app, face);
  return app;
}

/** Health and metadata in clear; inference itself is only there sealed. @see Open Inference Protocol v2 */
function addInferenceProtocol(app: App, face: WorkerFace): void {
  app.get("/v2", (context) => context.json({ name: face.name, version: "1", extensions: ["cloister_sealed"] }));
  app.get("/v2/health/live", (context) => context.json({ live: true }));
  app.get("/v2/health/ready", (context) => {
    if (!face.ready()) throw new ServiceError("SERVICE_UNAVAILABLE", "the node is not attested");
    return context.json({ ready: true });
  });
  app.get("/v2/models/:name", (context) => {
    const manifest = face.manifests.find(({ name }) => name === context.req.param("name"));
    if (manifest === undefined) throw new RequestError("NOT_FOUND", "no such model here");
    const { name, version, inputs, outputs } = manifest;
    return context.json({ name, versions: [version], platform: "onnxruntime_onnx", inputs, outputs });
  });
}

function evidenceJson(evidence: NodeEvidence | undefined): Record<string, unknown> {
  if (evidence === undefined) throw new RequestError("NOT_FOUND", "there is no such evidence here");
  return nodeEvidenceToJson(evidence);
}

function bodyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
