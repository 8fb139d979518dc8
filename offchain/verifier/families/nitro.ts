import { nitroClaims } from "../../evidence/nitro/claims.ts";
import { parseDocument } from "../../evidence/nitro/document.ts";
import { verifyDocument } from "../../evidence/nitro/verify.ts";
import type { DetectedEvidence, Family } from "../family.ts";

/** AWS Nitro Enclaves; a document carries all that its verification needs, there are no endorsements. */
export const NITRO: Family = { recognises: looksLikeSign1, parse };

const ARRAY_OF_FOUR = 0x84;
const SIGN1_TAG = 0xd2;

/** A COSE_Sign1 message starts with an array of four items, with or without tag 18. */
function looksLikeSign1(evidence: Uint8Array): boolean {
  return evidence[evidence[0] === SIGN1_TAG ? 1 : 0] === ARRAY_OF_FOUR;
}

function parse(evidence: Uint8Array): DetectedEvidence {
  const document = parseDocument(evidence);
  const { bytes: _, message, imagePcrs: __, ...fields } = document;
  return {
    family: "nitro",
    platform: "aws-nitro",
    summary: `attestation document of ${document.moduleId}, ${document.bytes.length} bytes`,
    bytes: document.bytes,
    fields: { ...fields, signature: message.signature },
    reportData: document.userData ?? new Uint8Array(),
    verify: async (context) => nitroClaims(await verifyDocument(document, context)),
  };
}
