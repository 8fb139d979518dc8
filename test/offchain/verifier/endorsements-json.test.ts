import { expect } from "chai";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { endorsementsToJson, parseEndorsements } from "../../../offchain/verifier/endorsements-json.ts";
import type { NodeEndorsements } from "../../../offchain/verifier/family.ts";
import { codeOf } from "../../support/errors.ts";

const DER = Uint8Array.of(0x30, 0x82, 1, 2);
const PEM = utf8("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
const XML = utf8("<SoftwareIdentity/>");

describe("endorsements as JSON", () => {
  const cases: Readonly<Record<string, NodeEndorsements>> = {
    nothing: {},
    "Intel's": { dcap: { tcbInfo: utf8("{}"), pckCrl: DER, pckCertChain: PEM } },
    "AMD's": { sevSnp: { vek: DER, ask: PEM, ark: DER, crl: DER } },
    "NVIDIA's": { nvidia: { certChain: PEM, driverRim: XML, vbiosRim: XML, ocspResponses: [DER, DER] } },
    "an Arm platform's": { cca: { platformKey: PEM } },
    "an Arm platform's in binary": { cca: { platformKey: Uint8Array.of(0xa4, 1, 2) } },
    "a node's with devices": { dcap: { rootCaCrl: DER }, devices: [{ driverRim: XML, ocspResponses: [DER] }, {}] },
  };
  for (const [name, endorsements] of Object.entries(cases)) {
    it(`reads ${name} as it was written`, () => {
      const text = JSON.stringify(endorsementsToJson(endorsements));
      expect(parseEndorsements(JSON.parse(text))).to.deep.equal(endorsements);
    });
  }

  it("writes Intel's alone without their family, as files of before have them", () => {
    expect(endorsementsToJson({ dcap: { tcbInfo: utf8("{}") } })).to.deep.equal({ tcbInfo: "{}" });
  });

  it("leaves a device's chain to its evidence", () => {
    const devices = [{ certChain: PEM, driverRim: XML }];
    expect(endorsementsToJson({ devices })).to.not.have.nested.property("devices[0].certChain");
  });

  it("refuses anything else", () => {
    const wrong = [null, [], "", { arm: {} }, { dcap: {}, arm: {} }, { sevSnp: { vek: 1 } }, { sevSnp: { vek: "§" } }];
    const lists = [{ nvidia: { ocspResponses: "AA==" } }, { nvidia: { ocspResponses: [1] } }, { devices: {} }];
    for (const json of [...wrong, ...lists]) {
      expect(
        codeOf(() => parseEndorsements(json)),
        JSON.stringify(json),
      ).to.equal("ENDORSEMENT_INVALID");
    }
  });
});
