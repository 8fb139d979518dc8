import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CloisterError } from "../errors.ts";
import { earOf, type Ear } from "../verifier/ear.ts";
import { looksLikeToken, readEarKey, signEar, verifyEar } from "../verifier/ear-token.ts";
import type { Policy } from "../verifier/policy-layers.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { tierOf } from "../verifier/trustworthiness.ts";
import type { ExitCode } from "./failure.ts";
import { readFileBytes } from "./files.ts";
import type { Report, Session } from "./session.ts";

interface Signing {
  readonly policy: Policy;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly keyFile: string;
  readonly session: Session;
  readonly exit: ExitCode;
}

/** A result as a signed EAR token: the token alone, or with its claims set as JSON. */
export async function signedReport(result: AttestationResult, signing: Signing): Promise<Report> {
  const { policy, now, keyFile, session, exit } = signing;
  const key = await readEarKey(readFileBytes(keyFile), "sign");
  const verifier = { developer: "cloister", build: `cloister ${versionOf(session.environment.root)}` };
  const ear = earOf(result, { policy, verifier, issuedAt: now });
  const token = await signEar(ear, key);
  return { exit, json: { token, ear }, lines: [token] };
}

/** What another verifier says in a token; a token that does not hold is refused and not thrown. */
export async function tokenReport(file: string, keyFile: string, now: number): Promise<Report> {
  const key = await readEarKey(readFileBytes(keyFile), "verify");
  const token = readFileBytes(file);
  try {
    const ear = await verifyEar(token, { key, now });
    const accepted = ear.ear_status === "affirming" || ear.ear_status === "warning";
    return { exit: accepted ? 0 : 1, json: { holds: true, ear }, lines: earLines(ear) };
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    const { code, message } = error;
    const hint = looksLikeToken(token) ? "" : "; the file does not look like a token";
    return { exit: 1, json: { holds: false, code, detail: message }, lines: [`refused  ${code}: ${message}${hint}`] };
  }
}

function earLines({ ear_status: status, ear_verifier_id: by, iat, submods }: Ear): readonly string[] {
  const parts = Object.entries(submods).flatMap(([label, { ear_status: own, ear_verifier_claims: said, ...rest }]) => {
    const values = Object.entries(rest.ear_trustworthiness_vector);
    const lines = values.map(([claim, value]) => `  ${claim}  ${value} (${tierOf(value)})`);
    return [`${label}  ${own}${isSimulated(said) ? "  SIMULATED" : ""}`].concat(lines);
  });
  return [`${status}  said by ${by.developer}, ${by.build}, at ${new Date(iat * 1000).toISOString()}`, ...parts];
}

function isSimulated(claims: Readonly<Record<string, unknown>> | undefined): boolean {
  return claims?.["simulated"] === true;
}

function versionOf(root: string): string {
  try {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : "of unknown version";
  } catch {
    return "of unknown version";
  }
}
