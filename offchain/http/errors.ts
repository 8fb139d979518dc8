import {
  CloisterError,
  ConfigError,
  EvidenceError,
  ModelError,
  ReceiptError,
  RequestError,
  SealError,
  ServiceError,
} from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

/** What a service answers instead of a result; a sealed request's failure has no message, so that it tells nothing. */
export interface ErrorAnswer {
  readonly status: 400 | 403 | 404 | 408 | 409 | 413 | 500 | 502 | 503;
  readonly body: { readonly error: { readonly code: ErrorCode; readonly message?: string } };
}

const FAILED: ErrorAnswer = {
  status: 500,
  body: { error: { code: "SERVICE_FAILED", message: "the service failed; its log says why" } },
};

const SEAL_INVALID: ErrorAnswer = { status: 400, body: { error: { code: "SEAL_INVALID" } } };

const REQUEST_STATUS = {
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  REQUEST_TIMEOUT: 408,
  NOT_FOUND: 404,
} as const;

/**
 * The answer for anything a handler can throw: what is not a coded error is not shown to the outside.
 * @see docs/protocol.md sections 8 and 9
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (!(error instanceof CloisterError) || error instanceof ConfigError) return FAILED;
  if (error instanceof SealError && error.code !== "KEY_UNKNOWN") return SEAL_INVALID;
  return { status: statusOf(error), body: { error: { code: error.code, message: error.message } } };
}

function statusOf(error: CloisterError): ErrorAnswer["status"] {
  if (error instanceof SealError) return 409;
  if (error instanceof RequestError) return REQUEST_STATUS[error.code];
  if (error instanceof ServiceError) return serviceStatus(error);
  if (error instanceof EvidenceError || error instanceof ReceiptError || error instanceof ModelError) {
    return refusalStatus(error.code);
  }
  return 503;
}

function serviceStatus(error: ServiceError): ErrorAnswer["status"] {
  if (error.code === "SERVICE_FAILED") return 500;
  return error.code === "SERVICE_ANSWER_INVALID" || error.code === "SERVICE_ADDRESS_INVALID" ? 502 : 503;
}

function refusalStatus(code: ErrorCode): ErrorAnswer["status"] {
  if (code === "INFERENCE_FAILED") return 500;
  return code.endsWith("_MALFORMED") || code === "INPUT_INVALID" ? 400 : 403;
}
