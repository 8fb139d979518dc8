import { isMainThread } from "node:worker_threads";
import type * as Onnxruntime from "onnxruntime-node";
import { ModelError } from "../errors.ts";

const TELEMETRY_OFF = "ORT_DISABLE_TELEMETRY";

/**
 * Loads onnxruntime with its usage reports off: since 1.29 the official builds send events about sessions and models to
 * their vendor and keep an identifier on disk, unless this variable is set before the library starts. A worker thread has a
 * copy of the environment that the library does not see, so there the main thread must have set it; throws `INFERENCE_FAILED` otherwise.
 * @see https://github.com/microsoft/onnxruntime/pull/27379
 */
export function loadRuntime(): Promise<typeof Onnxruntime> {
  if (isMainThread) process.env[TELEMETRY_OFF] = "1";
  if (process.env[TELEMETRY_OFF] !== "1")
    throw new ModelError("INFERENCE_FAILED", "onnxruntime would send usage reports from this thread", {
      next: `set ${TELEMETRY_OFF}=1 before the thread starts`,
    });
  return import("onnxruntime-node");
}
