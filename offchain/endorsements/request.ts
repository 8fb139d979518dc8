import type { EndorsementServices } from "./services.ts";

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One document as it is handed on: its bytes, and the chain of its signer where the service tells it beside the document. */
export interface Document {
  readonly body: Uint8Array;
  /** PEM. */
  readonly chain?: Uint8Array;
}

/** One question to a vendor's service, and how its answer is read; nothing of it is verified here. */
export interface DocumentRequest {
  /** The member of the family's endorsements that it is for. */
  readonly role: string;
  readonly service: keyof EndorsementServices;
  /** What is asked for, for people. */
  readonly what: string;
  readonly url: string;
  /** Sent with POST where it is given. */
  readonly post?: { readonly body: Uint8Array; readonly contentType: string };
  /** Media types that the answer may have. */
  readonly mediaTypes: readonly string[];
  /** Takes the document out of an answer. */
  readonly take: (answer: Answer) => Document;
  /**
   * Until when a document that was fetched at a time holds, both in milliseconds since 1970; throws a coded error where it is
   * unreadable or an answer to another question. Also asked of a document that was kept or imported.
   */
  readonly inspect: (document: Document, fetchedAt: number) => number;
  /** After this time the service is asked again, though the document holds: it may have changed its mind. */
  readonly refreshMs: number;
  /** The least time between two such requests to a host. */
  readonly spacingMs?: number;
  /** Where the service knows no such document, verification decides what that means; otherwise it is a failure. */
  readonly mayBeAbsent?: true;
}

export const MEDIA = {
  json: ["application/json"],
  /** Services name certificates and lists in many ways. */
  certificates: [
    "application/octet-stream",
    "binary/octet-stream",
    "application/pkix-cert",
    "application/pkix-crl",
    "application/pem-certificate-chain",
    "application/x-pem-file",
    "application/x-x509-ca-cert",
    "text/plain",
  ],
  ocsp: ["application/ocsp-response"],
} as const satisfies Record<string, readonly string[]>;

/** What a document is kept under: its URL; for a question that is posted, the URL of the same question as GET. @see RFC 6960 appendix A.1 */
export function keyOf({ url, post }: Pick<DocumentRequest, "url" | "post">): string {
  return post === undefined ? url : `${url}/${encodeURIComponent(Buffer.from(post.body).toString("base64"))}`;
}
