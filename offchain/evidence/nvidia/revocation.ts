import { EvidenceError } from "../../errors.ts";
import type { Certificate } from "../../x509/certificate.ts";
import { parseOcspResponse, type OcspResponse } from "../../x509/ocsp-response.ts";
import { speaksOf, verifyOcspResponse } from "../../x509/ocsp.ts";
import { asEndorsement, type CheckName } from "../check-log.ts";
import type { NvidiaContext } from "./context.ts";

/** A certificate that NVIDIA's OCSP service is asked after. */
export interface Questioned {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** Whether the service answers for it: of a device's own leaf, which the device issues to itself, it knows nothing. */
  readonly isRequired: boolean;
}

/** The certificates of a verified chain below its root; the first is not required where the device issued it to itself. */
export function questionsOf(certificates: readonly Certificate[], leaf: "required" | "own"): readonly Questioned[] {
  return certificates.slice(0, -1).map((certificate, index) => ({
    certificate,
    issuer: certificates[index + 1] ?? certificate,
    isRequired: index > 0 || leaf === "required",
  }));
}

/** What verified answers amount to; milliseconds since 1970. */
export interface AnsweredStatus {
  /** The earliest end of the answers. */
  readonly validUntil: number;
  /** The earliest issue of the answers. */
  readonly issuedAt: number;
}

/** Says whose fault it is what is found: the evidence's as it is, or an endorsement's. */
type Blame = <T>(run: () => Promise<T>) => Promise<T>;

/**
 * Checks that the answers given say of every certificate that it is good. Without an answer for one of them the check is not made,
 * with a warning; an answer that does not hold is no answer. Undefined where the check failed or was not made.
 * @see RFC 6960 section 3.2
 */
export async function checkRevocation(
  name: CheckName,
  questions: readonly Questioned[],
  context: NvidiaContext,
  blame: Blame,
): Promise<AnsweredStatus | undefined> {
  const { log, endorsements } = context;
  const given = endorsements.ocspResponses ?? [];
  if (given.length === 0) {
    log.warnOf(name, "no answer of NVIDIA's OCSP service was given");
    return undefined;
  }
  try {
    const { missing, answers } = await blame(() => examine(questions, given, context));
    if (missing.length > 0) {
      log.warnOf(name, `no answer for ${missing.join(", ")}`);
      return undefined;
    }
    return await log.check(name, () => ({
      value: together(answers),
      detail: `${questions.length} certificates are good`,
    }));
  } catch (error) {
    return log.check(name, () => {
      throw error;
    });
  }
}

interface Examined {
  readonly missing: readonly string[];
  readonly answers: readonly AnsweredStatus[];
}

async function examine(
  questions: readonly Questioned[],
  given: readonly Uint8Array[],
  context: NvidiaContext,
): Promise<Examined> {
  const { memory } = context.chains;
  const responses = await asEndorsement("OCSP", () =>
    given.map((der) => memory.parsed("OCSP response", der, parseOcspResponse)),
  );
  const missing: string[] = [];
  const answers: AnsweredStatus[] = [];
  for (const question of questions) {
    const response = responses.find((candidate) => speaksOf(candidate, question));
    if (response !== undefined) answers.push(await goodAnswer(question, response, context));
    else if (question.isRequired) missing.push(nameOf(question));
  }
  return { missing, answers };
}

/** The earliest end and the earliest issue of several answers; infinite without any. */
function together(answers: readonly AnsweredStatus[]): AnsweredStatus {
  const earliest = (name: keyof AnsweredStatus): number => Math.min(...answers.map((answer) => answer[name]));
  return { validUntil: earliest("validUntil"), issuedAt: earliest("issuedAt") };
}

async function goodAnswer(
  question: Questioned,
  response: OcspResponse,
  { now, chains: { memory } }: NvidiaContext,
): Promise<AnsweredStatus> {
  const { certificate, issuer } = question;
  const rules = { certificate, issuer, now, memory };
  const { status, thisUpdate, validUntil } = await asEndorsement("OCSP", () => verifyOcspResponse(response, rules));
  if (status.kind === "revoked") {
    const since = new Date(status.at).toISOString();
    throw new EvidenceError("CERTIFICATE_REVOKED", `${nameOf(question)} is revoked since ${since}`);
  }
  if (status.kind === "unknown") {
    throw new EvidenceError("CHAIN_UNTRUSTED", `NVIDIA's OCSP service does not know ${nameOf(question)}`);
  }
  return { validUntil, issuedAt: thisUpdate };
}

function nameOf({ certificate }: Questioned): string {
  return certificate.subject.commonName ?? `certificate ${certificate.serial}`;
}
