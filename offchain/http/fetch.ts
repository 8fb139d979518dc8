/** Requests to other services with a time limit and a size limit; nothing is followed and nothing is retried. */
import { ServiceError } from "../errors.ts";

export interface FetchOptions {
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  /** Of the body, after decompression. */
  readonly maxBytes: number;
  /** `GET` where not given. */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Fetched<Body = Uint8Array> {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/**
 * Sends one request and reads the whole answer, whatever its status; throws ServiceError: `SERVICE_ADDRESS_INVALID` for what is no
 * plain http(s) URL, `SERVICE_UNAVAILABLE` for no answer in time, `SERVICE_ANSWER_INVALID` for a redirect or too large a body.
 */
export async function fetchBytes(url: string, options: FetchOptions): Promise<Fetched> {
  const address = parseAddress(url);
  const limits = [AbortSignal.timeout(options.timeoutMs), ...(options.signal === undefined ? [] : [options.signal])];
  const response = await send(address, options, AbortSignal.any(limits));
  if (response.status >= 300 && response.status < 400 && response.status !== 304) {
    await response.body?.cancel();
    throw new ServiceError("SERVICE_ANSWER_INVALID", `${address.host} answered with a redirect`);
  }
  const body = await readLimited(response, options.maxBytes, address.host);
  return { status: response.status, headers: Object.fromEntries(response.headers), body };
}

/** Like `fetchBytes` for a JSON answer; throws ServiceError `SERVICE_ANSWER_INVALID` where the body is not JSON. */
export async function fetchJson(url: string, options: FetchOptions): Promise<Fetched<unknown>> {
  const contentType = options.body === undefined ? {} : { "content-type": "application/json" };
  const headers = { accept: "application/json", ...contentType, ...options.headers };
  const { status, headers: received, body } = await fetchBytes(url, { ...options, headers });
  try {
    return { status, headers: received, body: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) };
  } catch (cause) {
    throw new ServiceError("SERVICE_ANSWER_INVALID", `${url} answered ${status} with no JSON`, { cause });
  }
}

function parseAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !["http:", "https:"].includes(address.protocol)) {
    throw new ServiceError("SERVICE_ADDRESS_INVALID", `${url} is not an http or https URL`);
  }
  if (address.username !== "" || address.password !== "") {
    throw new ServiceError("SERVICE_ADDRESS_INVALID", `the URL of ${address.host} carries a user name or password`);
  }
  return address;
}

async function send(address: URL, options: FetchOptions, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(address, {
      method: options.method ?? "GET",
      redirect: "manual",
      signal,
      ...(options.body === undefined ? {} : { body: bodyOf(options.body) }),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    });
  } catch (cause) {
    throw unavailable(address.host, cause);
  }
}

function bodyOf(body: Uint8Array | string): string | Uint8Array<ArrayBuffer> {
  return typeof body === "string" ? body : new Uint8Array(body);
}

async function readLimited(response: Response, maxBytes: number, host: string): Promise<Uint8Array> {
  const tooLarge = new ServiceError("SERVICE_ANSWER_INVALID", `${host} answered with more than ${maxBytes} bytes`);
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw unavailable(host, cause);
    });
    if (done) return new Uint8Array(Buffer.concat(parts));
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge;
    }
    parts.push(value);
  }
}

function unavailable(host: string, cause: unknown): ServiceError {
  const late = cause instanceof Error && cause.name === "TimeoutError";
  return new ServiceError("SERVICE_UNAVAILABLE", late ? `${host} did not answer in time` : `${host} does not answer`, {
    cause,
  });
}
