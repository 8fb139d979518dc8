import type { InferenceSession } from "onnxruntime-node";
import { ModelError } from "../errors.ts";
import type { RuntimeSpec, TensorSpec } from "../model/manifest.ts";
import type { PackageFiles } from "../model/package.ts";
import { datatypeOf } from "./datatype.ts";
import { loadRuntime } from "./runtime.ts";

/** A graph ready to run, and what it says of its inputs and outputs. */
export interface OpenGraph {
  readonly session: InferenceSession;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** The settings that new packages state: one thread, all optimisations, the runtime that is installed. */
export async function defaultRuntime(): Promise<RuntimeSpec> {
  return {
    engine: "onnxruntime",
    version: await installedVersion(),
    executionProvider: "cpu",
    intraOpThreads: 1,
    graphOptimization: "all",
  };
}

/**
 * Opens a graph under stated settings; another version of the runtime throws `MODEL_MISMATCH`, because it could give other
 * answers, and a graph that the runtime cannot read throws `MODEL_MALFORMED`.
 */
export async function openGraph(files: PackageFiles, path: string, runtime: RuntimeSpec): Promise<OpenGraph> {
  const installed = await installedVersion();
  if (installed !== runtime.version)
    throw new ModelError("MODEL_MISMATCH", `the model needs onnxruntime ${runtime.version}, this is ${installed}`);
  const session = await createSession(files, path, runtime);
  try {
    return { session, inputs: specsOf(session.inputMetadata), outputs: specsOf(session.outputMetadata) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function createSession(files: PackageFiles, path: string, runtime: RuntimeSpec): Promise<InferenceSession> {
  const { InferenceSession } = await loadRuntime();
  try {
    return await InferenceSession.create(files.get(path) ?? new Uint8Array(), {
      executionProviders: [runtime.executionProvider],
      intraOpNumThreads: runtime.intraOpThreads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: runtime.graphOptimization,
      logSeverityLevel: 4,
      extra: { session: { use_deterministic_compute: "1" } },
      // With this table the runtime takes weights from the verified files only; without it, it may look on the disk.
      externalData: [...files].map(([name, data]) => ({ path: name, data })),
    });
  } catch (cause) {
    throw new ModelError("MODEL_MALFORMED", `${path} is no graph that onnxruntime can run`, { cause });
  }
}

async function installedVersion(): Promise<string> {
  const { env } = await loadRuntime();
  return env.versions.node ?? "unknown";
}

function specsOf(ports: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return ports.map((port) => {
    const datatype = port.isTensor ? datatypeOf(port.type) : undefined;
    if (!port.isTensor || datatype === undefined)
      throw new ModelError("MODEL_MALFORMED", `${port.name} is no tensor of an element type that packages can have`);
    return { name: port.name, datatype, shape: port.shape.map((size) => (typeof size === "number" ? size : -1)) };
  });
}
