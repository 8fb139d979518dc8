import { utf8 } from "../../encoding/bytes.ts";
import { JsonFields } from "../../encoding/fields.ts";
import { EndorsementError } from "../../errors.ts";
import { endorsementFromText, endorsementToText } from "../endorsement-text.ts";
import type { DcapEndorsements } from "./endorsements.ts";

type Role = keyof DcapEndorsements;

const ROLES: readonly Role[] = [
  "tcbInfo",
  "qeIdentity",
  "tcbSigningChain",
  "qeIdentityIssuerChain",
  "pckCrl",
  "pckCrlIssuerChain",
  "rootCaCrl",
  "pckCertChain",
];

/** Members of the collateral JSON that is widespread among DCAP tools, by role; the signed documents are in two members each. */
const COLLATERAL_MEMBERS: readonly [Role, string][] = [
  ["tcbSigningChain", "tcb_info_issuer_chain"],
  ["qeIdentityIssuerChain", "qe_identity_issuer_chain"],
  ["pckCrl", "pck_crl"],
  ["pckCrlIssuerChain", "pck_crl_issuer_chain"],
  ["rootCaCrl", "root_ca_crl"],
  ["pckCertChain", "pck_certificate_chain"],
];

const invalid = (message: string): EndorsementError => new EndorsementError("ENDORSEMENT_INVALID", message);

/** Writes endorsements as JSON: JSON and PEM as text, DER in base64. */
export function dcapEndorsementsToJson(endorsements: DcapEndorsements): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ROLES.flatMap((role) => {
      const bytes = endorsements[role];
      return bytes === undefined ? [] : [[role, endorsementToText(bytes)] as const];
    }),
  );
}

/**
 * Reads endorsements from our own JSON or from the widespread collateral JSON; undefined where the value is neither.
 * Throws `EndorsementError` `ENDORSEMENT_INVALID` where a member is not a text.
 */
export function parseDcapEndorsements(json: unknown): DcapEndorsements | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const fields = new JsonFields(json, "endorsements", invalid);
  if (fields.has("tcb_info") || fields.has("pck_crl")) return readCollateral(fields);
  const roles = ROLES.filter((role) => fields.has(role));
  const ours = roles.length > 0 && roles.every((role) => typeof fields.value(role) === "string");
  return ours ? Object.fromEntries(roles.map((role) => [role, endorsementFromText(fields.text(role))])) : undefined;
}

function readCollateral(fields: JsonFields): DcapEndorsements {
  const members = COLLATERAL_MEMBERS.filter(([, name]) => fields.has(name));
  return {
    ...Object.fromEntries(members.map(([role, name]) => [role, endorsementFromText(fields.text(name))])),
    ...(fields.has("tcb_info") && { tcbInfo: signedDocument(fields, "tcbInfo", "tcb_info") }),
    ...(fields.has("qe_identity") && { qeIdentity: signedDocument(fields, "enclaveIdentity", "qe_identity") }),
  };
}

/** Puts the text of a statement and its signature together as Intel's service answers, without touching the signed text. */
function signedDocument(fields: JsonFields, member: string, name: string): Uint8Array {
  const text = fields.text(name);
  if (/^\s*\{\s*"(?:tcbInfo|enclaveIdentity)"/.test(text)) return utf8(text);
  return utf8(`{"${member}":${text.trim()},"signature":"${fields.text(`${name}_signature`)}"}`);
}
