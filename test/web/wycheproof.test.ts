import { expect } from "chai";
import { resolve } from "node:path";
import type { HashName } from "../../offchain/crypto/face.ts";
import { openSession, type Session } from "../../scripts/browser/session.ts";
import { needChromium, runInPage } from "../support/chromium.ts";
import { needVectors, readVectors } from "../support/vectors.ts";
import type * as wycheproof from "../support/wycheproof-page.ts";
import type { AgreementCase, EncryptionCase, SignatureGroup, WycheproofCase } from "../support/wycheproof-page.ts";

interface InPage {
  readonly wycheproof: Omit<typeof wycheproof, "agreementsAgree"> & {
    agreementsAgree(tests: readonly AgreementCase[]): Promise<boolean[]>;
  };
}

/** The DER of an X25519 PKCS #8 private key goes up to its 32 key bytes. @see RFC 8410 section 7 */
const MODULE = `
  import * as wycheproof from ${JSON.stringify(resolve("test/support/wycheproof-page.ts"))};
  const head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];
  const keyOf = (bytes) =>
    crypto.subtle.importKey("pkcs8", new Uint8Array([...head, ...bytes]), "X25519", false, ["deriveBits"]);
  const agreementsAgree = (tests) => wycheproof.agreementsAgree(tests, keyOf);
  globalThis.wycheproof = { ...wycheproof, agreementsAgree };
`;

const SIGNATURES: readonly (readonly [scheme: SignatureGroup["scheme"], hash: HashName, file: string])[] = [
  ["ecdsa", "sha256", "ecdsa_secp256r1_sha256_p1363_test.json"],
  ["ecdsa", "sha384", "ecdsa_secp384r1_sha384_p1363_test.json"],
  ["ecdsa", "sha256", "ecdsa_secp256k1_sha256_p1363_test.json"],
  ["rsa-pss", "sha384", "rsa_pss_4096_sha384_mgf1_48_test.json"],
];

function groupsOf(file: string): readonly unknown[] {
  return (readVectors(`wycheproof/${file}`) as { testGroups: readonly unknown[] }).testGroups;
}

/** The cases that did not come out as expected. */
function wrong(tests: readonly WycheproofCase[], agree: readonly boolean[]): readonly string[] {
  expect(agree).to.have.length(tests.length).and.not.to.be.empty;
  return tests.flatMap(({ tcId, comment, result }, index) =>
    agree[index] === true ? [] : [`${tcId} ${comment} (${result})`],
  );
}

describe("in Chromium, Wycheproof", function () {
  this.timeout(120_000);
  let session: Session;

  before(async function () {
    needVectors(this);
    needChromium(this);
    session = await openSession();
    await runInPage(session, MODULE);
  });
  after(() => session?.close());

  for (const [scheme, hash, file] of SIGNATURES) {
    it(`agrees with every case of ${file}`, async () => {
      for (const { tests, publicKeyDer } of groupsOf(file) as readonly SignatureGroup[]) {
        const agree = await session.page.evaluate(
          async (given) => (globalThis as unknown as InPage).wycheproof.signaturesAgree(given),
          { scheme, hash, publicKeyDer, tests },
        );
        expect(wrong(tests, agree)).to.deep.equal([]);
      }
    });
  }

  it("agrees with every case of x25519_test.json, and every secret of zeros is refused", async () => {
    for (const { tests } of groupsOf("x25519_test.json") as readonly { tests: readonly AgreementCase[] }[]) {
      const agree = await session.page.evaluate(
        async (given) => (globalThis as unknown as InPage).wycheproof.agreementsAgree(given),
        tests,
      );
      expect(wrong(tests, agree)).to.deep.equal([]);
    }
  });

  it("agrees with every case of aes_gcm_test.json whose key and nonce Chromium and the face take", async () => {
    const groups = groupsOf("aes_gcm_test.json") as readonly { tests: readonly EncryptionCase[] }[];
    const tests = groups.flatMap((group) => group.tests).filter(({ key, iv }) => key.length !== 48 && iv.length === 24);
    const agree = await session.page.evaluate(
      async (given) => (globalThis as unknown as InPage).wycheproof.encryptionsAgree(given),
      tests,
    );
    expect(wrong(tests, agree)).to.deep.equal([]);
  });
});
