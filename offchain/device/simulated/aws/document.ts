/** The device of a simulated Nitro Enclave: attestation documents, with a switch for each defect. */
import { sign } from "node:crypto";
import { sha384 } from "#crypto";
import { encodeCbor, issueSign1 } from "../../../cose/issue.ts";
import { utf8 } from "../../../encoding/bytes.ts";
import type { Device } from "../../device.ts";
import { damaged, wholeReportData } from "../damage.ts";
import type { WorkerMeasurements } from "../measure.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import { issueEnclave, moduleId } from "./certificates.ts";
import { DOCUMENT_DEFECTS, MESSAGE_DEFECTS, type DocumentFields, type NitroDefects } from "./defects.ts";
import type { AwsPlatformFile } from "./platform.ts";

/** What a document says beside the measurements and the report data. */
export interface NitroOptions {
  /** Milliseconds since 1970; the process's clock where not given. */
  readonly now?: () => number;
  /** At most 512 bytes; null in the document where not given. */
  readonly nonce?: Uint8Array;
  /** At most 1024 bytes; null in the document where not given. */
  readonly publicKey?: Uint8Array;
  readonly defects?: NitroDefects;
}

type Pcrs = Pick<WorkerMeasurements, "pcr0" | "pcr1" | "pcr2">;

/** The map `{1: -35}`. */
const PROTECTED_HEADER = Uint8Array.of(0xa1, 0x01, 0x38, 0x22);
const PCR_COUNT = 16;
const PCR_LENGTH = 48;
const INSTANCE_PCR = 4;

/** The device of a provisioned instance whose enclave runs measured code; `defects` make evidence that must be refused. */
export function simulatedAwsDevice(platform: AwsPlatformFile, pcrs: Pcrs, options: NitroOptions = {}): Device {
  return {
    platform: "aws-nitro",
    simulated: true,
    quote: async (reportData) => document(platform, pcrs, reportData, options),
  };
}

/** @see AWS Nitro Enclaves Attestation Process, sections 2.2 and 3.1; the members in the order of AWS's documents */
function document(
  platform: AwsPlatformFile,
  pcrs: Pcrs,
  wanted: Uint8Array,
  { now = Date.now, nonce, publicKey, defects = {} }: NitroOptions,
): Uint8Array {
  const time = now();
  const instance = p384Key(platform.instanceKey);
  const enclave = p384Key(platform.enclaveKey);
  const foreign = p384Key(deriveP384(platform.enclaveKey, "foreign"));
  const leaf = defects.leaf === undefined ? {} : { defect: defects.leaf };
  const fields: DocumentFields = new Map();
  fields.set("module_id", moduleId(platform));
  fields.set("digest", "SHA384");
  fields.set("timestamp", BigInt(time));
  fields.set("pcrs", pcrsOf(platform, pcrs));
  fields.set("certificate", issueEnclave(platform, { instance, enclave, foreign }, { now: time, ...leaf }));
  fields.set("cabundle", platform.cabundle.map(bytesOf));
  fields.set("public_key", publicKey ?? null);
  fields.set("user_data", wholeReportData(defects.reportData ?? wanted));
  fields.set("nonce", nonce ?? null);
  if (defects.document !== undefined) DOCUMENT_DEFECTS[defects.document](fields);
  const changed = defects.message === undefined ? {} : MESSAGE_DEFECTS[defects.message];
  const message = { protectedBytes: PROTECTED_HEADER, payload: encodeCbor(fields), ...changed };
  const key = defects.forgedSignature === true ? foreign : enclave;
  const es384 = (bytes: Uint8Array): Uint8Array => sign("sha384", bytes, { key, dsaEncoding: "ieee-p1363" });
  return damaged(issueSign1(message, es384), defects);
}

/** The image's registers and the instance's; those of an instance's role and of a signed image are zero, as without them. */
function pcrsOf({ instanceId }: AwsPlatformFile, { pcr0, pcr1, pcr2 }: Pcrs): Map<number, Uint8Array> {
  const registers = new Map<number, Uint8Array>();
  for (let index = 0; index < PCR_COUNT; index += 1) registers.set(index, new Uint8Array(PCR_LENGTH));
  for (const [index, pcr] of [pcr0, pcr1, pcr2].entries()) registers.set(index, bytesOf(pcr));
  return registers.set(INSTANCE_PCR, sha384(new Uint8Array(PCR_LENGTH), utf8(instanceId)));
}
