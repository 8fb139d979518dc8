import type { EndorsementStore } from "../endorsements/documents.ts";
import type { EndorsementServices } from "../endorsements/services.ts";
import { createEndorsementSource, type EndorsementSource } from "../endorsements/source.ts";
import { fetchBytes } from "../http/fetch.ts";

/**
 * Makes what gets endorsements for evidence of any family from vendors' services (their own, a PCCS, or a simulated vendor's);
 * documents are kept while they hold, in the store where one is given.
 */
export function endorsementService(services: EndorsementServices, store?: EndorsementStore): EndorsementSource {
  return createEndorsementSource({ services, fetch: fetchBytes, ...(store && { store }) });
}
