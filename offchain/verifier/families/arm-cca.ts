import { ccaClaims } from "../../evidence/arm-cca/claims.ts";
import { lifecycleState } from "../../evidence/arm-cca/lifecycle.ts";
import { looksLikeToken, parseToken } from "../../evidence/arm-cca/token.ts";
import { verifyToken } from "../../evidence/arm-cca/verify.ts";
import type { DetectedEvidence, Family } from "../family.ts";

/** Arm CCA realms. */
export const ARM_CCA: Family = { recognises: looksLikeToken, parse };

function parse(evidence: Uint8Array): DetectedEvidence {
  const token = parseToken(evidence);
  const { platform, realm } = token;
  const { publicKey: _, ...realmClaims } = realm.claims;
  const { lifecycle, softwareComponents } = platform.claims;
  return {
    family: "cca",
    platform: "arm-cca",
    summary: `CCA token of a platform that is ${lifecycleState(lifecycle)}, ${softwareComponents.length} components, ${token.bytes.length} bytes`,
    bytes: token.bytes,
    fields: {
      platform: { ...platform.claims, signature: platform.message.signature },
      realm: { ...realmClaims, signature: realm.message.signature },
    },
    reportData: realm.claims.challenge,
    verify: async ({ endorsements, ...context }) =>
      ccaClaims(await verifyToken(token, { ...context, endorsements: endorsements.cca ?? {} })),
  };
}
