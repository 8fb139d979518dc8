/** The client's public face. */
export { checkEvidenceFile } from "./check.ts";
export type { CheckOptions, FileCheck } from "./check.ts";
export { openClient } from "./client.ts";
export type { Client, ClientAnswer, ClientOptions } from "./client.ts";
export { endorsementService } from "./endorsement-service.ts";
export { evidenceFileToJson, parseEvidenceFile } from "./evidence-file.ts";
export type { EvidenceFile } from "./evidence-file.ts";
export type { ListedNode } from "./nodes.ts";
export { clientOptions, readProfile, writeProfile } from "./profile.ts";
export type { Profile } from "./profile.ts";
export type { Resumed } from "./resume.ts";
export type { VerifiedNode } from "./verify-node.ts";
