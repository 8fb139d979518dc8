import type { Endorsements } from "../verifier/family.ts";
import type { Document, DocumentRequest } from "./request.ts";

/** Documents by the role that they were asked for; a role without one is left out. */
export type Parts = ReadonlyMap<string, readonly Document[]>;

/** Everything that one piece of evidence needs of vendors' services. */
export interface Plan {
  readonly requests: readonly DocumentRequest[];
  /** What the documents themselves give rise to. */
  readonly further?: (parts: Parts) => readonly DocumentRequest[];
  /** What must come with the evidence, or from its operator, because no service has it, and did not; for people. */
  readonly lacking: readonly string[];
  readonly assemble: (parts: Parts) => Endorsements;
}

/** The one document of a role. */
export function partOf(parts: Parts, role: string): Document | undefined {
  return parts.get(role)?.[0];
}

/** Documents by their roles. */
export function partsOf(documents: readonly (readonly [string, Document])[]): Parts {
  const parts = new Map<string, Document[]>();
  for (const [role, document] of documents) parts.set(role, [...(parts.get(role) ?? []), document]);
  return parts;
}
