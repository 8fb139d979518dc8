import { parseKeySet } from "../evidence/nvidia/key-set.ts";
import { MEDIA, type DocumentRequest } from "./request.ts";
import type { EndorsementServices } from "./services.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Asks for the keys that sign NVIDIA's attestation tokens. A key set says nothing of its end: it is asked for again every hour
 * and taken for a day at most.
 * @see NVIDIA Remote Attestation Service; RFC 7517 section 5
 */
export function keySetRequest({ nvidiaNras }: Pick<EndorsementServices, "nvidiaNras">): DocumentRequest {
  return {
    role: "keySet",
    service: "nvidiaNras",
    what: "keys of NVIDIA's remote attestation service",
    url: `${nvidiaNras}/.well-known/jwks.json`,
    mediaTypes: [...MEDIA.json, "application/jwk-set+json"],
    take: ({ body }) => ({ body }),
    inspect: ({ body }, fetchedAt) => {
      parseKeySet(body);
      return fetchedAt + DAY;
    },
    refreshMs: HOUR,
  };
}
