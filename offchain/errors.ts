/** What a program says of a failure: the class tells the caller what to do, the code tells why. */
export type EvidenceErrorCode =
  | "EVIDENCE_MALFORMED"
  | "EVIDENCE_UNSUPPORTED"
  | "SIGNATURE_INVALID"
  | "CHAIN_UNTRUSTED"
  | "CERTIFICATE_REVOKED"
  | "CERTIFICATE_EXPIRED"
  | "BINDING_MISMATCH"
  | "EVIDENCE_STALE";

export type EndorsementErrorCode = "ENDORSEMENT_UNAVAILABLE" | "ENDORSEMENT_EXPIRED" | "ENDORSEMENT_INVALID";

export type ChainErrorCode = "TX_REVERTED" | "TX_UNDERPRICED" | "RPC_UNAVAILABLE" | "REORGED";

export type ReceiptErrorCode =
  | "RECEIPT_MALFORMED"
  | "SIGNATURE_INVALID"
  | "NODE_NOT_ATTESTED"
  | "REQUEST_MISMATCH"
  | "OUTPUT_MISMATCH"
  | "MODEL_MISMATCH"
  | "VOUCHER_INVALID";

export type SealErrorCode = "SEAL_INVALID" | "SEAL_TRUNCATED" | "KEY_UNKNOWN";

export type ModelErrorCode =
  "MODEL_MALFORMED" | "MODEL_MISMATCH" | "MODEL_UNSUPPORTED" | "INPUT_INVALID" | "INFERENCE_FAILED";

export type PrivacyErrorCode =
  | "PARAMETER_INVALID"
  | "RANDOMNESS_INVALID"
  | "NOISE_EXHAUSTED"
  | "BUDGET_EXCEEDED"
  | "REQUEST_PENDING"
  | "RESERVATION_UNKNOWN"
  | "LEDGER_CONFLICT"
  | "LEDGER_MALFORMED";

export type ConfigErrorCode = "CONFIG_MISSING" | "CONFIG_INVALID";

export type ServiceErrorCode =
  | "SERVICE_UNAVAILABLE"
  | "SERVICE_BUSY"
  | "SERVICE_REFUSED"
  | "SERVICE_ANSWER_INVALID"
  | "SERVICE_ADDRESS_INVALID"
  | "SERVICE_FAILED";

export type RequestErrorCode = "REQUEST_INVALID" | "REQUEST_TOO_LARGE" | "REQUEST_TIMEOUT" | "NOT_FOUND";

export type StoreErrorCode = "STORE_CONFLICT" | "STORE_UNAVAILABLE";

export type ErrorCode =
  | EvidenceErrorCode
  | EndorsementErrorCode
  | ChainErrorCode
  | ReceiptErrorCode
  | SealErrorCode
  | ModelErrorCode
  | PrivacyErrorCode
  | ConfigErrorCode
  | ServiceErrorCode
  | RequestErrorCode
  | StoreErrorCode;

interface ErrorDetail {
  /** The error underneath, if any. */
  readonly cause?: unknown;
  /** What the reader can do next, one sentence. */
  readonly next?: string;
}

/** The base of every coded error: `code` is stable, `message` is for people and may change. */
export class CloisterError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly next: string | undefined;

  constructor(code: Code, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.next = detail.next;
  }
}

/** The evidence is not genuine or not readable: reject it, never retry. */
export class EvidenceError extends CloisterError<EvidenceErrorCode> {}

/** Endorsements are missing, expired or wrong: retry later or with other endorsements. */
export class EndorsementError extends CloisterError<EndorsementErrorCode> {}

/** The chain refused or did not answer: look at the code; a decoded custom error is the cause. */
export class ChainError extends CloisterError<ChainErrorCode> {}

/** A receipt or voucher does not hold: refuse the payment or the result. */
export class ReceiptError extends CloisterError<ReceiptErrorCode> {}

/** A sealed message cannot be opened: fail closed, one shape to the outside. */
export class SealError extends CloisterError<SealErrorCode> {}

/** A model package or an input to it is wrong: refuse it. */
export class ModelError extends CloisterError<ModelErrorCode> {}

/** Noise cannot be made or paid for: release nothing. */
export class PrivacyError extends CloisterError<PrivacyErrorCode> {}

/** Settings are missing or wrong: fix and restart. */
export class ConfigError extends CloisterError<ConfigErrorCode> {}

/** Another program did not answer, or answered with something unreadable: try again, or another one. */
export class ServiceError extends CloisterError<ServiceErrorCode> {}

/** A request that another program sent is wrong: the sender must change it. */
export class RequestError extends CloisterError<RequestErrorCode> {}

/** What was stored before forbids this, or the database failed: never act as if it had been stored. */
export class StoreError extends CloisterError<StoreErrorCode> {}
