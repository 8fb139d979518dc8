/** Both sides of every limit of NVIDIA's formats. */
import { expect } from "chai";
import { generateKeyPairSync, sign } from "node:crypto";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { isCertified, readFirmwareIdentity } from "../../../offchain/evidence/nvidia/firmware-id.ts";
import { parseKeySet } from "../../../offchain/evidence/nvidia/key-set.ts";
import { parseOpaque, textOf, vbiosVersionOf } from "../../../offchain/evidence/nvidia/opaque.ts";
import { looksLikeDeviceReport, parseDeviceReport } from "../../../offchain/evidence/nvidia/report.ts";
import { parseToken } from "../../../offchain/evidence/nvidia/token.ts";
import { verifyDeviceTokens, type TokenOptions } from "../../../offchain/verifier/verify-token.ts";
import { parseCertificate, type Certificate } from "../../../offchain/x509/certificate.ts";
import { codeOf } from "../../support/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  fwid,
  GPU_RECORDS,
  record,
  request,
  TEST_FWID,
  TEST_NONCE,
  unsignedReport,
} from "../../support/nvidia-device.ts";
import type { ReportParts } from "../../support/nvidia-device.ts";
import { certificate, createKeys, der, extension, int, oid, seq, type Bytes } from "../../support/pki.ts";

const SIGNATURE = Buffer.alloc(96, 5);
const parse = (parts: ReportParts) => parseDeviceReport(Buffer.concat([unsignedReport(parts), SIGNATURE]));

describe("a device report at its limits", () => {
  it("is told by its first two octets", () => {
    const starts = ["", "11", "21e0", "11e1", "11e0", "1fe0", "e011"].map((hex) => Buffer.from(hex, "hex"));
    expect(starts.map(looksLikeDeviceReport)).to.deep.equal([false, false, false, false, true, true, false]);
  });

  it("may be of the last slot", () => {
    const parts = { request: request(TEST_NONCE, undefined, 7), responseHeader: Buffer.of(0x11, 0x60, 0, 7) };
    expect(parse(parts).slot).to.equal(7);
  });

  it("may have more than 64 KiB of measurements", () => {
    const long = (index: number): Buffer => {
      const [length, whole] = [Buffer.alloc(2), Buffer.alloc(2)];
      length.writeUInt16LE(40_000);
      whole.writeUInt16LE(40_003);
      return Buffer.concat([Buffer.of(index, 1), whole, Buffer.of(1), length, Buffer.alloc(40_000, index)]);
    };
    expect(parse({ blocks: [long(1), long(2)] }).measurements.map(({ index }) => index)).to.deep.equal([1, 2]);
  });

  it("has at most 1,024 octets of opaque data", () => {
    const used = Buffer.concat(GPU_RECORDS).length + 4;
    const filled = (length: number) => ({ records: [...GPU_RECORDS, record(9, Buffer.alloc(length - used))] });
    expect(parse(filled(1024)).opaque.get(9)?.length).to.equal(1024 - used);
    expect(codeOf(() => parse(filled(1025)))).to.equal("EVIDENCE_MALFORMED");
  });
});

describe("opaque data", () => {
  it("may be nothing", () => expect(parseOpaque(new Uint8Array()).size).to.equal(0));

  it("is text where all of it is printable, but for zeros at its end", () => {
    const texts = ["ab\0\0", "a\0b", "a\nb", "\u0080a", "a\u007f", " ~", ""].map((text) => Buffer.from(text, "latin1"));
    expect(texts.map(textOf)).to.deep.equal(["ab", undefined, undefined, undefined, undefined, " ~", ""]);
    expect(textOf(undefined)).to.equal(undefined);
  });

  it("has a VBIOS version packed or as text", () => {
    const given = [Buffer.from("0a5f0096ab000000", "hex"), Buffer.from("96.10.55.00.01"), undefined];
    expect(given.map(vbiosVersionOf)).to.deep.equal(["96.00.5F.0A.AB", "96.10.55.00.01", undefined]);
  });
});

describe("a firmware identity at its limits", () => {
  const keys = createKeys("P-384");
  const [OLD, NEW] = ["2.23.133.5.4.1", "2.23.133.5.4.1.1"];
  const withExtensions = (...extensions: readonly Bytes[]): Certificate =>
    parseCertificate(
      new Uint8Array(certificate({ subject: "Leaf", issuer: "Leaf", keys, issuerKeys: keys, extensions })),
    );
  const read = (id: string, value: Bytes) => readFirmwareIdentity(withExtensions(extension(id, false, value)));
  const composite = (...more: readonly Bytes[]): Buffer =>
    seq(int(1), seq(oid("1.3.132.0.34")), fwid(TEST_FWID), ...more);
  const fwids = (...list: readonly Bytes[]): Buffer => der(0xa6, ...list);

  it("is absent, or in one of two forms", () => {
    expect(readFirmwareIdentity(withExtensions())).to.equal(undefined);
    expect(read(OLD, composite())).to.deep.include({ debug: undefined });
    expect(read(NEW, seq(fwids(fwid(TEST_FWID))))).to.deep.include({ debug: undefined });
    expect(read(NEW, seq(fwids(fwid(TEST_FWID)), der(0x87, Buffer.of(4, 0x10))))?.debug).to.equal(true);
    expect(read(NEW, seq(fwids(fwid(TEST_FWID)), der(0x87, Buffer.of(4, 0xe0))))?.debug).to.equal(false);
  });

  it("certifies what it names, and never the zeros of firmware that is not there", () => {
    const zeros = Buffer.alloc(48);
    const found = read(NEW, seq(fwids(fwid(TEST_FWID), fwid(zeros)))) ?? { firmwareIds: [], debug: undefined };
    expect(found.firmwareIds.length).to.equal(2);
    expect([TEST_FWID, zeros, Buffer.alloc(48, 1)].map((digest) => isCertified(found, digest))).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  const refusals: readonly [string, ErrorCode, string, Bytes][] = [
    ["something after it", "EVIDENCE_MALFORMED", OLD, Buffer.concat([composite(), int(1)])],
    ["something after the firmware's digest", "EVIDENCE_MALFORMED", OLD, composite(int(1))],
    ["version 2", "EVIDENCE_UNSUPPORTED", OLD, seq(int(2), seq(oid("1.3.132.0.34")), fwid(TEST_FWID))],
    ["another hash", "EVIDENCE_UNSUPPORTED", NEW, seq(fwids(fwid(TEST_FWID, "2.16.840.1.101.3.4.2.1")))],
    ["a digest of 47 octets", "EVIDENCE_MALFORMED", NEW, seq(fwids(fwid(Buffer.alloc(47, 1))))],
    [
      "something after a digest",
      "EVIDENCE_MALFORMED",
      NEW,
      seq(fwids(seq(oid("2.16.840.1.101.3.4.2.2"), der(0x04, TEST_FWID), int(1)))),
    ],
    ["no digest", "EVIDENCE_MALFORMED", NEW, seq(fwids())],
    ["no list of digests", "EVIDENCE_MALFORMED", NEW, seq(der(0x87, Buffer.of(4, 0)))],
    ["digests twice", "EVIDENCE_MALFORMED", NEW, seq(fwids(fwid(TEST_FWID)), fwids(fwid(TEST_FWID)))],
    ["members in another order", "EVIDENCE_MALFORMED", NEW, seq(der(0x87, Buffer.of(4, 0)), fwids(fwid(TEST_FWID)))],
    ["flags without an octet", "EVIDENCE_MALFORMED", NEW, seq(fwids(fwid(TEST_FWID)), der(0x87, Buffer.of(0)))],
  ];
  for (const [what, code, id, value] of refusals) {
    it(`is refused with ${what}`, () => expectRefusal(code, () => read(id, value)));
  }
});

const NOW = Date.UTC(2026, 0, 15);
const SECONDS = NOW / 1000;
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
const JWK = { ...publicKey.export({ format: "jwk" }), kid: "k" };
const keySet = (...keys: readonly object[]): Buffer => Buffer.from(JSON.stringify({ keys }));
const DEVICE = {
  iss: "https://nras.attestation.nvidia.com",
  eat_nonce: "ab".repeat(32),
  iat: SECONDS,
  nbf: SECONDS - 60,
  exp: SECONDS + 1,
  measres: "success",
  secboot: true,
  dbgstat: "disabled",
};
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function jwt(payload: object): Buffer {
  const signed = `${part({ alg: "ES384", kid: "k", typ: "JWT" })}.${part(payload)}`;
  const signature = sign("sha384", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return Buffer.from(`${signed}.${signature.toString("base64url")}`);
}

const codes = async (payload: object, options: Partial<TokenOptions> = {}): Promise<readonly string[]> => {
  const nonce = { expectedNonce: Buffer.alloc(32, 0xab) };
  const result = await verifyDeviceTokens(
    { token: jwt(payload) },
    { keys: keySet(JWK), now: NOW, ...nonce, ...options },
  );
  return result.failures.map(({ id, code }) => `${id} ${code}`);
};

describe("a token at its limits", () => {
  it("holds from its first millisecond to before its last", async () => {
    expect(await codes(DEVICE)).to.deep.equal([]);
    expect(await codes(DEVICE, { now: NOW + 999 })).to.deep.equal([]);
    for (const now of [NOW - 1, NOW + 1000]) {
      expect((await codes(DEVICE, { now }))[0]).to.equal("token-time EVIDENCE_STALE");
    }
  });

  it("needs each of the three words of a good device", async () => {
    for (const changed of [{ measres: "fail" }, { secboot: false }, { dbgstat: "enabled" }]) {
      expect(await codes({ ...DEVICE, ...changed })).to.deep.equal(["token-result BINDING_MISMATCH"]);
    }
  });

  it("may carry any nonce where none is expected, which is told", async () => {
    const options = { keys: keySet(JWK), now: NOW };
    const { verdict, checks, claims } = await verifyDeviceTokens({ token: jwt(DEVICE) }, options);
    expect([verdict, claims?.nonce]).to.deep.equal(["affirming", DEVICE.eat_nonce]);
    expect(checks.find(({ id }) => id === "token-nonce")?.outcome).to.equal("none");
  });

  const digest = "0f".repeat(32);
  const wrong: readonly unknown[] = [
    ["OTHER", ["SHA-256", digest]],
    ["DIGEST", ["SHA-512", digest]],
    ["DIGEST", ["SHA-256", 1]],
    ["DIGEST", ["SHA-256", digest.toUpperCase()]],
    ["DIGEST", ["SHA-256", `${digest}00`]],
    ["DIGEST", ["SHA-256", `x${digest}`]],
    ["DIGEST", ["SHA-256"]],
    ["DIGEST", "SHA-256"],
    ["DIGEST"],
    "DIGEST",
  ];
  it("names devices by SHA-256 and by nothing else", async () => {
    const withDevice = (device: unknown) => ({
      ...DEVICE,
      "x-nvidia-overall-att-result": true,
      submods: { "GPU-0": device },
    });
    for (const device of wrong) {
      expect([device, (await codes(withDevice(device)))[0]]).to.deep.equal([device, "token-claims EVIDENCE_MALFORMED"]);
    }
  });

  it("has at most 64 KiB", () => {
    const [header, signature] = [part({ alg: "ES384", kid: "k" }), Buffer.alloc(96).toString("base64url")];
    const tokenOf = (length: number): Buffer => {
      const room = length - header.length - signature.length - 2;
      const payload = `{"a":"${"b".repeat(Math.floor((room * 3) / 4) - 8)}"}`;
      return Buffer.from([header, Buffer.from(payload).toString("base64url"), signature].join("."));
    };
    expect(tokenOf(1 << 16).length).to.equal(1 << 16);
    expect(parseToken(tokenOf(1 << 16)).keyId).to.equal("k");
    expect(codeOf(() => parseToken(Buffer.concat([tokenOf(1 << 16), Buffer.from("A")])))).to.equal(
      "EVIDENCE_MALFORMED",
    );
  });
});

describe("a key set at its limits", () => {
  it("has at most 64 KiB", () => {
    const whole = keySet(JWK);
    const padded = (length: number): Buffer => Buffer.concat([whole, Buffer.alloc(length - whole.length, 0x20)]);
    expect(parseKeySet(padded(1 << 16)).size).to.equal(1);
    expect(codeOf(() => parseKeySet(padded((1 << 16) + 1)))).to.equal("ENDORSEMENT_INVALID");
  });

  it("counts keys on P-384 alone", () => {
    for (const changed of [{ kty: "RSA" }, { crv: "P-256" }, { kty: undefined }, { crv: undefined }]) {
      expect(parseKeySet(keySet({ ...JWK, ...changed })).size).to.equal(0);
    }
    for (const changed of [{ x: "AAAA" }, { y: "AAAA" }, { y: `${JWK.y ?? ""}AAAA` }, { y: "§" }, { kid: 1 }]) {
      expect(codeOf(() => parseKeySet(keySet({ ...JWK, ...changed })))).to.equal("ENDORSEMENT_INVALID");
    }
  });
});
