import { parseUnpaddedBase64, toBase64 } from "../../encoding/base64.ts";
import { asciiText, utf8 } from "../../encoding/bytes.ts";
import { JsonFields } from "../../encoding/fields.ts";
import { EndorsementError } from "../../errors.ts";
import { isPem } from "../../x509/pem.ts";
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
      return bytes === undefined ? [] : [[role, encode(bytes)] as const];
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
  return ours ? Object.fromEntries(roles.map((role) => [role, decode(fields.text(role))])) : undefined;
}

function readCollateral(fields: JsonFields): DcapEndorsements {
  const members = COLLATERAL_MEMBERS.filter(([, name]) => fields.has(name));
  return {
    ...Object.fromEntries(members.map(([role, name]) => [role, decode(fields.text(name))])),
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

function encode(bytes: Uint8Array): string {
  return isText(bytes) ? new TextDecoder().decode(bytes) : toBase64(bytes);
}

function decode(text: string): Uint8Array {
  const bytes = utf8(text);
  if (isText(bytes)) return bytes;
  const decoded = parseUnpaddedBase64(text.replaceAll(/\s+/g, ""));
  if (decoded === undefined || decoded.length === 0) throw invalid("an endorsement is neither text nor base64");
  return decoded;
}

/** JSON, PEM and hex DER stand as they are. */
function isText(bytes: Uint8Array): boolean {
  const head = asciiText(bytes.subarray(0, 64)).trimStart();
  return isPem(bytes) || head.startsWith("{") || /^30[0-9a-fA-F]+\s*$/.test(head);
}
