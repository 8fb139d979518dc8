import { sha256 } from "#crypto";
import { toHex } from "../encoding/bytes.ts";
import { SealError, ServiceError, type CloisterError } from "../errors.ts";
import { fetchBytes } from "../http/fetch.ts";
import { MAX_SEALED_RESPONSE } from "../sealing/response.ts";

/** One sealed request as it is sent, and sent again. */
export interface SealedExchange {
  readonly endpoint: string;
  readonly sealed: Uint8Array;
}

export interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends a sealed request and returns the sealed response. Where the connection broke or the worker has other keys by now, asks once for
 * the answer that it may have stored. Throws `SealError` `KEY_UNKNOWN` or `ServiceError`.
 */
export async function exchange(request: SealedExchange, options: ExchangeOptions): Promise<Uint8Array> {
  try {
    return await send(request, options);
  } catch (error) {
    const unknown = error instanceof SealError && error.code === "KEY_UNKNOWN";
    const broken = error instanceof ServiceError && error.code === "SERVICE_UNAVAILABLE";
    if (!unknown && !broken) throw error;
    const stored = await storedAnswer(request, options);
    if (stored === undefined) throw error;
    return stored;
  }
}

async function send(request: SealedExchange, options: ExchangeOptions): Promise<Uint8Array> {
  const { status, body } = await fetchBytes(`${request.endpoint}/v1/infer`, {
    ...options,
    maxBytes: MAX_SEALED_RESPONSE,
    method: "POST",
    body: request.sealed,
    headers: { "content-type": "application/octet-stream" },
  });
  if (status === 200) return body;
  throw refusal(status, body);
}

async function storedAnswer(request: SealedExchange, options: ExchangeOptions): Promise<Uint8Array | undefined> {
  const url = `${request.endpoint}/v1/answers/${toHex(sha256(request.sealed))}`;
  const { status, body } = await fetchBytes(url, { ...options, maxBytes: MAX_SEALED_RESPONSE });
  return status === 200 ? body : undefined;
}

function refusal(status: number, body: Uint8Array): CloisterError {
  const code = refusalCode(body);
  if (code === "KEY_UNKNOWN") {
    return new SealError("KEY_UNKNOWN", "the node has other keys now", { next: "Verify the node again, then repeat." });
  }
  if (code === "SEAL_INVALID") return new SealError("SEAL_INVALID", "the worker could not open the request");
  const busy = status === 429 || status === 503;
  return new ServiceError(busy ? "SERVICE_BUSY" : "SERVICE_ANSWER_INVALID", `the worker answered ${status} ${code}`);
}

function refusalCode(body: Uint8Array): string {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { error?: { code?: unknown } };
    return typeof error?.code === "string" ? error.code : "";
  } catch {
    return "";
  }
}
