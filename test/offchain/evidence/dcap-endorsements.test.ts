/** Both spellings of Intel's endorsements as JSON, and what quotes and statements become for the contracts. */
import { expect } from "chai";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { contractQuote, contractStatements } from "../../../offchain/evidence/dcap/contract-input.ts";
import { dcapEndorsementsToJson, parseDcapEndorsements } from "../../../offchain/evidence/dcap/endorsements-json.ts";
import type { DcapEndorsements } from "../../../offchain/evidence/dcap/endorsements.ts";
import { parseQuote } from "../../../offchain/evidence/dcap/quote.ts";
import { parsePem } from "../../../offchain/x509/pem.ts";
import { codeOf } from "../../support/errors.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const DER = Uint8Array.of(0x30, 0x82, 1, 2);
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

const ALL: Required<DcapEndorsements> = {
  tcbInfo: utf8(`{"tcbInfo":{"a":1},"signature":"aa"}`),
  qeIdentity: utf8(`{"enclaveIdentity":{"b":2},"signature":"bb"}`),
  tcbSigningChain: utf8(`${PEM}1`),
  qeIdentityIssuerChain: utf8(`${PEM}2`),
  pckCrl: DER,
  pckCrlIssuerChain: utf8(`${PEM}3`),
  rootCaCrl: Uint8Array.of(0x30, 0x03, 9, 9, 9),
  pckCertChain: utf8(`${PEM}4`),
};

describe("Intel's endorsements as JSON", () => {
  it("hold every part, and only what there is", () => {
    expect(parseDcapEndorsements(dcapEndorsementsToJson(ALL))).to.deep.equal(ALL);
    for (const [role, bytes] of Object.entries(ALL)) {
      const json = dcapEndorsementsToJson({ [role]: bytes });
      expect(Object.keys(json)).to.deep.equal([role]);
      expect(parseDcapEndorsements(json)).to.deep.equal({ [role]: bytes });
    }
  });

  const COLLATERAL = {
    tcb_info: ` {"a":1}\n`,
    tcb_info_signature: "aa",
    tcb_info_issuer_chain: `${PEM}1`,
    qe_identity: `{"b":2}`,
    qe_identity_signature: "bb",
    qe_identity_issuer_chain: `${PEM}2`,
    pck_crl: Buffer.from(DER).toString("base64"),
    pck_crl_issuer_chain: `${PEM}3`,
    root_ca_crl: Buffer.from(ALL.rootCaCrl).toString("base64"),
    pck_certificate_chain: `${PEM}4`,
  };

  it("are read from the collateral of other tools, whose signed texts stay as they are", () => {
    expect(parseDcapEndorsements(COLLATERAL)).to.deep.equal(ALL);
    expect(parseDcapEndorsements({ pck_crl: COLLATERAL.pck_crl })).to.deep.equal({ pckCrl: DER });
    const { pck_crl: _, ...withoutList } = COLLATERAL;
    const { pckCrl: __, ...expected } = ALL;
    expect(parseDcapEndorsements(withoutList)).to.deep.equal(expected);
  });

  it("keep a statement that has its signature already", () => {
    for (const whole of [`{"tcbInfo":{},"signature":"aa"}`, ` \n{ \n"tcbInfo": {}}`, `{"enclaveIdentity":{}}`]) {
      expect(text(parseDcapEndorsements({ tcb_info: whole })?.tcbInfo)).to.equal(whole);
    }
    const inner = `{"x":{"tcbInfo":1}}`;
    const read = parseDcapEndorsements({ tcb_info: inner, tcb_info_signature: "aa" });
    expect(text(read?.tcbInfo)).to.equal(`{"tcbInfo":${inner},"signature":"aa"}`);
  });

  it("are told from anything else", () => {
    for (const json of [null, undefined, 1, "text", [], [ALL], {}, { tcbInfo: 1 }, { tcbInfo: "{}", pckCrl: 1 }]) {
      expect([json, parseDcapEndorsements(json)]).to.deep.equal([json, undefined]);
    }
    for (const changed of [{ tcb_info: 1 }, { pck_crl: 1 }, { qe_identity: 1 }, { tcb_info_signature: undefined }]) {
      expect(codeOf(() => parseDcapEndorsements({ ...COLLATERAL, ...changed }))).to.equal("ENDORSEMENT_INVALID");
    }
  });
});

describe("what the contracts are given", () => {
  const vendor = testVendor();
  const platformOf = (tee: "intel-sgx" | "intel-tdx") =>
    provisionPlatform(vendor, { tee, now: SIMULATED_NOW, name: "contracts" });

  for (const tee of ["intel-sgx", "intel-tdx"] as const) {
    it(`is the quote of ${tee} without its chain, which stands beside it`, async () => {
      const quote = parseQuote(await simulatedDevice(platformOf(tee), TEST_MEASUREMENTS).quote(new Uint8Array(64)));
      const { quote: small, signedQuote, pckCertificate, keyPreimage } = contractQuote(quote);
      const { certification, bytes: _, trailing: __, ...rest } = parseQuote(small);
      const { certification: whole, bytes: ___, trailing: ____, ...expected } = quote;
      expect(rest).to.deep.equal(expected);
      expect(certification).to.deep.equal({ ...whole, certificationData: new Uint8Array() });
      expect(Buffer.from(signedQuote)).to.deep.equal(Buffer.concat([quote.signedPart, quote.signature]));
      expect(Buffer.from(keyPreimage)).to.deep.equal(Buffer.concat([quote.attestationKey, whole.qeReportBytes]));
      expect(pckCertificate).to.deep.equal(parsePem(whole.certificationData, "CERTIFICATE")[0]);
    });
  }

  it("is each statement with its signature and its signer", () => {
    const endorsements = testEndorsements(vendor, platformOf("intel-tdx"));
    const signerOf = (chain: Uint8Array | undefined) => parsePem(chain ?? new Uint8Array(), "CERTIFICATE")[0];
    const { tcbInfo, qeIdentity } = contractStatements(endorsements);
    const signed = ({ document, signature }: typeof tcbInfo, member: string): string =>
      `{"${member}":${text(document)},"signature":"${Buffer.from(signature).toString("hex")}"}`;
    expect(signed(tcbInfo, "tcbInfo")).to.equal(text(endorsements.tcbInfo));
    expect(signed(qeIdentity, "enclaveIdentity")).to.equal(text(endorsements.qeIdentity));
    expect(tcbInfo.signer).to.deep.equal(signerOf(endorsements.tcbSigningChain));
    expect(qeIdentity.signer).to.deep.equal(signerOf(endorsements.qeIdentityIssuerChain));
    const { qeIdentityIssuerChain: _, ...withoutOwn } = endorsements;
    expect(contractStatements(withoutOwn).qeIdentity.signer).to.deep.equal(tcbInfo.signer);
  });

  it("is nothing where a statement or its chain is missing", () => {
    const endorsements = testEndorsements(vendor, platformOf("intel-tdx"));
    const codes = {
      tcbInfo: "ENDORSEMENT_INVALID",
      qeIdentity: "ENDORSEMENT_INVALID",
      tcbSigningChain: "EVIDENCE_MALFORMED",
    };
    for (const [part, code] of Object.entries(codes)) {
      const rest = Object.fromEntries(Object.entries(endorsements).filter(([name]) => name !== part));
      expect([part, codeOf(() => contractStatements(rest))]).to.deep.equal([part, code]);
    }
  });
});
