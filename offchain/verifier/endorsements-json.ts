/** Endorsements of every family as JSON, by family and part. */
import { JsonFields } from "../encoding/fields.ts";
import { EndorsementError } from "../errors.ts";
import { dcapEndorsementsToJson, parseDcapEndorsements } from "../evidence/dcap/endorsements-json.ts";
import { endorsementFromText, endorsementToText } from "../evidence/endorsement-text.ts";
import type { CcaEndorsements } from "../evidence/arm-cca/endorsements.ts";
import type { NvidiaEndorsements } from "../evidence/nvidia/endorsements.ts";
import type { SevSnpEndorsements } from "../evidence/sev-snp/endorsements.ts";
import type { NodeEndorsements } from "./family.ts";

const CCA: readonly (keyof CcaEndorsements)[] = ["platformKey"];
const SEV_SNP: readonly (keyof SevSnpEndorsements)[] = ["vek", "ask", "ark", "crl"];
const NVIDIA: readonly Exclude<keyof NvidiaEndorsements, "ocspResponses">[] = ["certChain", "driverRim", "vbiosRim"];
const FAMILIES: readonly (keyof NodeEndorsements)[] = ["dcap", "sevSnp", "nvidia", "devices", "cca"];
const DEVICE = NVIDIA.filter((role) => role !== "certChain");

const invalid = (message: string): EndorsementError => new EndorsementError("ENDORSEMENT_INVALID", message);

/** Writes a node's endorsements as JSON: JSON and PEM as text, DER and XML in base64; Intel's alone stand for themselves. */
export function endorsementsToJson(endorsements: NodeEndorsements): Readonly<Record<string, unknown>> {
  const { dcap, sevSnp, nvidia, devices, cca } = endorsements;
  if (dcap !== undefined && Object.values({ sevSnp, nvidia, devices, cca }).every((part) => part === undefined)) {
    return dcapEndorsementsToJson(dcap);
  }
  return {
    ...(dcap && { dcap: dcapEndorsementsToJson(dcap) }),
    ...(sevSnp && { sevSnp: textsOf(sevSnp, SEV_SNP) }),
    ...(nvidia && { nvidia: nvidiaToJson(nvidia, NVIDIA) }),
    ...(cca && { cca: textsOf(cca, CCA) }),
    ...(devices && { devices: devices.map((device) => nvidiaToJson(device, DEVICE)) }),
  };
}

/** Reads a node's endorsements of any family from JSON, or Intel's by themselves; throws `EndorsementError` `ENDORSEMENT_INVALID`. */
export function parseEndorsements(json: unknown): NodeEndorsements {
  const fields = new JsonFields(json, "endorsements", invalid);
  if (fields.names().length === 0) return {};
  if (!FAMILIES.some((family) => fields.has(family))) {
    const dcap = parseDcapEndorsements(json);
    if (dcap === undefined) throw invalid("endorsements are of no known family");
    return { dcap };
  }
  const unknown = fields.names().find((name) => !(FAMILIES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalid(`endorsements.${unknown} is of no known family`);
  return {
    ...(fields.has("dcap") && { dcap: parseDcapEndorsements(fields.value("dcap")) ?? {} }),
    ...(fields.has("sevSnp") && { sevSnp: bytesOf(fields.fields("sevSnp"), SEV_SNP) }),
    ...(fields.has("nvidia") && { nvidia: nvidiaOf(fields.fields("nvidia"), NVIDIA) }),
    ...(fields.has("cca") && { cca: bytesOf(fields.fields("cca"), CCA) }),
    ...(fields.has("devices") && { devices: fields.fieldsList("devices").map((device) => nvidiaOf(device, DEVICE)) }),
  };
}

function nvidiaToJson(endorsements: NvidiaEndorsements, roles: typeof NVIDIA): Readonly<Record<string, unknown>> {
  const ocspResponses = endorsements.ocspResponses?.map(endorsementToText);
  return { ...textsOf(endorsements, roles), ...(ocspResponses && { ocspResponses }) };
}

function nvidiaOf(fields: JsonFields, roles: typeof NVIDIA): NvidiaEndorsements {
  const parts = bytesOf(fields, roles);
  if (!fields.has("ocspResponses")) return parts;
  const ocspResponses = fields.list("ocspResponses").map((response) => {
    if (typeof response !== "string") throw invalid("an OCSP response is not a text");
    return endorsementFromText(response);
  });
  return { ...parts, ocspResponses };
}

function textsOf<Role extends string>(
  parts: Readonly<Partial<Record<Role, Uint8Array>>>,
  roles: readonly Role[],
): Readonly<Record<string, string>> {
  const texts = roles.flatMap((role) => (parts[role] === undefined ? [] : [[role, endorsementToText(parts[role])]]));
  return Object.fromEntries(texts) as Record<string, string>;
}

function bytesOf<Role extends string>(
  fields: JsonFields,
  roles: readonly Role[],
): Readonly<Partial<Record<Role, Uint8Array>>> {
  const given = roles.filter((role) => fields.has(role));
  return Object.fromEntries(given.map((role) => [role, endorsementFromText(fields.text(role))])) as Partial<
    Record<Role, Uint8Array>
  >;
}
