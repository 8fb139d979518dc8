import { keccak256 } from "#crypto";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { CloisterError } from "../errors.ts";
import type { Check, TrustRoot } from "../evidence/scheme.ts";
import { commitTensors } from "../receipt/commitment.ts";
import { checkReceipt } from "../receipt/receipt.ts";
import { channelId, checkVoucher } from "../receipt/voucher.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import { checkNodeEvidence } from "../verifier/node-evidence.ts";
import type { Policy } from "../verifier/policy-layers.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { verifyNodeEvidence } from "../verifier/verify-node.ts";
import type { CommittedTensors, EvidenceFile } from "./evidence-file.ts";

/** Whom and what the checker trusts; never taken from the file. */
export interface CheckOptions {
  readonly trustRoots: readonly TrustRoot[];
  readonly policy: Policy;
  /** Milliseconds since 1970; the file's own time where it is not given. */
  readonly now?: number;
}

/** What checking an evidence file found: it holds only if every required check was made and passed. */
export interface FileCheck {
  readonly holds: boolean;
  readonly simulated: boolean;
  readonly checks: readonly Check[];
  readonly attestation: AttestationResult;
}

/** Checks an evidence file without any service: hardware evidence, binding, voucher, receipt and commitments; throws nothing for a bad file. */
export async function checkEvidenceFile(file: EvidenceFile, options: CheckOptions): Promise<FileCheck> {
  const domain = { chainId: file.chain.chainId, verifyingContract: file.chain.nodeRegistry };
  const attestation = await verifyNodeEvidence(domain, file.nodeEvidence, {
    endorsements: file.endorsements,
    trustRoots: options.trustRoots,
    now: options.now ?? file.checkedAt,
    policy: options.policy,
  });
  const required = [
    appraisalCheck(attestation),
    labelCheck(file, attestation),
    ...bindingChecks(file, domain),
    ...paymentChecks(file),
  ];
  const hardware = attestation.checks.map((check) => ({ ...check, id: `hardware/${check.id}` }));
  return {
    holds: required.every((check) => check.outcome === "pass"),
    simulated: attestation.simulated,
    checks: [...hardware, ...required, settlementCheck(file)],
    attestation,
  };
}

/** The verdict as one required check: the attestation's own checks stand beside it, and which of them are required is its policy's. */
function appraisalCheck({ verdict, claims, failures }: AttestationResult): Check {
  const acceptable = verdict === "affirming" || verdict === "warning";
  const detail = acceptable
    ? `${verdict}: TCB ${claims?.tcb?.status ?? "not evaluated"}`
    : `${verdict}: ${failures.map(({ id }) => id).join(", ")}`;
  return { id: "appraisal", outcome: acceptable ? "pass" : "fail", detail, reference: "docs/verification.md" };
}

/** A file must not hide that its evidence is simulated, nor claim it of genuine evidence. */
function labelCheck(file: EvidenceFile, { simulated, claims }: AttestationResult): Check {
  const reference = "docs/evidence-file.md";
  const id = "simulated-label";
  if (claims === null) return { id, outcome: "none", detail: "not checked: the evidence was not verified", reference };
  const detail = `the file says ${file.simulated ? "SIMULATED" : "not simulated"}`;
  const outcome = file.simulated === simulated ? "pass" : "fail";
  return { id, outcome, detail, reference };
}

function bindingChecks(file: EvidenceFile, domain: RegistryDomain): readonly Check[] {
  return [
    made("binding", "docs/protocol.md section 3", "the keys are in the evidence and the signing key signed them", () =>
      checkNodeEvidence(domain, file.nodeEvidence),
    ),
  ];
}

function paymentChecks(file: EvidenceFile): readonly Check[] {
  const escrow = { chainId: file.chain.chainId, verifyingContract: file.chain.inferenceEscrow };
  const { voucher, receipt, nodeEvidence } = file;
  const expected = {
    signingKey: nodeEvidence.binding.signingKey,
    nodeId: nodeEvidence.binding.nodeId,
    voucher,
    requestCommitment: voucher.requestCommitment,
    responseCommitment: receipt.responseCommitment,
    evidenceHash: toHex(keccak256(nodeEvidence.evidence)),
  };
  return [
    made("voucher", "docs/protocol.md section 5", `signed by ${file.payer}`, () =>
      checkVoucher(escrow, voucher, file.voucherSignature, file.payer),
    ),
    compared("channel", channelId(file.payer, nodeEvidence.binding.nodeId), voucher.channelId),
    made(
      "receipt",
      "docs/protocol.md section 5",
      "signed by the attested key, for this voucher, node and evidence",
      () => checkReceipt(escrow, receipt, file.receiptSignature, expected),
    ),
    committed("input", file.request, receipt.requestCommitment),
    committed("output", file.response, receipt.responseCommitment),
  ];
}

function committed(id: string, { salt, tensors }: CommittedTensors, commitment: Hex): Check {
  const reference = "docs/protocol.md section 6";
  if (tensors === undefined) return { id, outcome: "none", detail: "the file does not carry the data", reference };
  return made(id, reference, "the data is what the receipt commits to", () => {
    if (commitTensors(salt, tensors) !== commitment)
      throw new RangeError("the data is not what the receipt commits to");
  });
}

function settlementCheck(file: EvidenceFile): Check {
  const detail =
    file.settlement === undefined
      ? "no transaction in the file"
      : `${file.settlement}: a chain is needed to look at it`;
  return {
    id: "settlement",
    outcome: "none",
    detail: `not required offline; ${detail}`,
    reference: "docs/evidence-file.md",
  };
}

function compared(id: string, found: Hex, expected: Hex): Check {
  const same = found === expected;
  const detail = same ? expected : `${expected} is named, ${found} follows`;
  return { id, outcome: same ? "pass" : "fail", detail, reference: "docs/protocol.md section 1" };
}

function made(id: string, reference: string, detail: string, check: () => void): Check {
  try {
    check();
    return { id, outcome: "pass", detail, reference };
  } catch (error) {
    const code = error instanceof CloisterError ? `${error.code}: ` : "";
    return {
      id,
      outcome: "fail",
      detail: `${code}${error instanceof Error ? error.message : String(error)}`,
      reference,
    };
  }
}
