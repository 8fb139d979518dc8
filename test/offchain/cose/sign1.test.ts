import { expect } from "chai";
import { Encoder } from "cbor-x";
import { sign } from "node:crypto";
import type { VerifyKey } from "../../../offchain/crypto/node.ts";
import { importSpki } from "../../../offchain/crypto/node.ts";
import { parseCoseSign1, verifyCoseSign1, type CoseAlgorithm } from "../../../offchain/cose/sign1.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys } from "../../support/pki.ts";

const encoder = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });
const encode = (value: unknown): Buffer => encoder.encode(value);
const keys = createKeys("P-384");
const p256 = createKeys("P-256");
const payload = Buffer.alloc(300, 7);

interface Parts {
  readonly headers?: Map<number, unknown>;
  readonly unprotected?: unknown;
  readonly payload?: unknown;
  readonly hash?: "sha256" | "sha384";
  readonly signer?: typeof keys;
}

function message(parts: Parts = {}): Buffer {
  const protectedBytes = encode(parts.headers ?? new Map([[1, -35]]));
  const signed = encode(["Signature1", protectedBytes, Buffer.of(), payload]);
  const signature = sign(parts.hash ?? "sha384", signed, {
    key: (parts.signer ?? keys).privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const body = "payload" in parts ? parts.payload : payload;
  return encode([protectedBytes, parts.unprotected ?? new Map(), body, signature]);
}

async function verify(bytes: Uint8Array, algorithm: CoseAlgorithm = "ES384", signer = keys): Promise<void> {
  const key: VerifyKey = await importSpki(signer.spki);
  await verifyCoseSign1(parseCoseSign1(bytes), key, algorithm);
}

describe("COSE_Sign1", () => {
  it("verifies ES384 and ES256, with and without the tag", async () => {
    await verify(message());
    await verify(Buffer.concat([Buffer.of(0xd2), message()]));
    await verify(message({ headers: new Map([[1, -7]]), hash: "sha256", signer: p256 }), "ES256", p256);
  });

  it("gives payload and headers as they stand", () => {
    const parsed = parseCoseSign1(message());
    expect(Buffer.from(parsed.payload).equals(payload)).to.equal(true);
    expect(parsed.protectedHeaders.get(1)).to.equal(-35);
  });

  const refusals: readonly [string, ErrorCode, () => Promise<void>][] = [
    ["a changed payload", "SIGNATURE_INVALID", () => verify(message({ payload: Buffer.alloc(300, 8) }))],
    ["another key", "SIGNATURE_INVALID", () => verify(message(), "ES384", createKeys("P-384"))],
    ["another algorithm than expected", "EVIDENCE_UNSUPPORTED", () => verify(message(), "ES256")],
    [
      "an algorithm that only the unprotected header names",
      "EVIDENCE_UNSUPPORTED",
      () => verify(message({ headers: new Map(), unprotected: new Map([[1, -35]]) })),
    ],
    ["a header in both places", "EVIDENCE_MALFORMED", () => verify(message({ unprotected: new Map([[1, -35]]) }))],
    [
      "critical headers",
      "EVIDENCE_UNSUPPORTED",
      () =>
        verify(
          message({
            headers: new Map<number, unknown>([
              [1, -35],
              [2, [99]],
            ]),
          }),
        ),
    ],
    ["a detached payload", "EVIDENCE_MALFORMED", () => verify(message({ payload: null }))],
    ["an unprotected header that is no map", "EVIDENCE_MALFORMED", () => verify(message({ unprotected: [] }))],
    [
      "a protected header that is no map",
      "EVIDENCE_MALFORMED",
      () => verify(message({ headers: [] as unknown as Map<number, unknown> })),
    ],
    ["something else than four items", "EVIDENCE_MALFORMED", () => verify(encode([Buffer.of(), new Map(), payload]))],
    ["a signature of another length", "SIGNATURE_INVALID", () => verify(message({ signer: p256 }))],
    ["another tag", "EVIDENCE_MALFORMED", () => verify(Buffer.concat([Buffer.of(0xd1), message()]))],
  ];
  for (const [what, code, action] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(code, action));
  }

  it("refuses every truncation", async () => {
    const whole = message();
    for (let length = 0; length < whole.length; length += 1) {
      await expectRefusal("EVIDENCE_MALFORMED", () => verify(whole.subarray(0, length)));
    }
  });
});
