import type { Member } from "../chain/committee.ts";
import type { Hex } from "../encoding/bytes.ts";
import type { SignedVerdict } from "../store/verdicts.ts";
import type { Verdict } from "../verifier/verdict.ts";
import type { RelayerContext } from "./context.ts";
import { keccak256 } from "#crypto";
import { concat, parseHex, toHex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { CloisterError, ServiceError } from "../errors.ts";
import { verdictSigner } from "../verifier/verdict.ts";
import { verdictToJson } from "../verifier/verdict-json.ts";
import { committeeDomain } from "./context.ts";

/** A member's signature over the verdict in hand. */
export interface Signature {
  readonly account: Hex;
  readonly signature: Hex;
}

/** What a member answers at `GET /v1/verdicts/{nodeId}`. @see docs/protocol.md section 9 */
export function verdictAnswer(verdict: Verdict, signed: Pick<SignedVerdict, "signature" | "signer">): object {
  return { verdict: verdictToJson(verdict), signature: signed.signature, signer: signed.signer };
}

/** Asks the other bonded members for their signatures over the same verdict; whoever does not answer or disagrees is left out. */
export async function collectSignatures(
  context: RelayerContext,
  members: readonly Member[],
  verdict: Verdict,
): Promise<readonly Signature[]> {
  const others = members.filter(({ account, bonded }) => bonded && account !== context.sender.address);
  const answers = await Promise.all(others.map((member) => signatureOf(context, member, verdict)));
  return answers.filter((answer) => answer !== undefined);
}

/** The place of a member in the order in which a verdict is submitted: another one for each evidence, from 0. */
export function turnOf(account: Hex, members: readonly Member[], evidenceHash: Hex): number {
  const lot = (member: Hex): Hex => toHex(keccak256(bytes(evidenceHash), bytes(member)));
  const lots = members.map((member) => lot(member.account)).sort();
  return Math.max(0, lots.indexOf(lot(account)));
}

async function signatureOf(
  context: RelayerContext,
  { account, endpoint }: Member,
  verdict: Verdict,
): Promise<Signature | undefined> {
  try {
    const { status, body } = await context.fetchJson(`${endpoint.replace(/\/+$/, "")}/v1/verdicts/${verdict.nodeId}`);
    if (status === 404) return undefined;
    if (status !== 200) throw answerInvalid(`${endpoint} answered ${status}`);
    const signature = toHex(
      new JsonFields(body, "answer", answerInvalid).hex("signature", { prefix: true, length: 65 }),
    );
    // A signature over anything else, another verdict for the same node say, recovers to another address.
    return verdictSigner(committeeDomain(context), verdict, signature) === account ? { account, signature } : undefined;
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    context.log.debug({ member: account, code: error.code }, "a member gave no signature");
    return undefined;
  }
}

function answerInvalid(message: string): ServiceError {
  return new ServiceError("SERVICE_ANSWER_INVALID", message);
}

function bytes(hex: Hex): Uint8Array {
  return concat(parseHex(hex) ?? new Uint8Array(0));
}
