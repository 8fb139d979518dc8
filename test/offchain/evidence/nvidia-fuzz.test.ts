import { expect } from "chai";
import * as fc from "fast-check";
import { readFirmwareIdentity } from "../../../offchain/evidence/nvidia/firmware-id.ts";
import { parseDeviceReport } from "../../../offchain/evidence/nvidia/report.ts";
import { parseRim } from "../../../offchain/evidence/nvidia/rim.ts";
import { parseToken } from "../../../offchain/evidence/nvidia/token.ts";
import { parseCertificate, type Certificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { parseOcspResponse } from "../../../offchain/x509/ocsp-response.ts";
import { damaged, damages } from "../../support/damage.ts";
import { codeOf } from "../../support/errors.ts";
import { createDevice, deviceReport, SWITCH_RECORDS, tcbInfo, TEST_FWID } from "../../support/nvidia-device.ts";
import { ocspResponse } from "../../support/ocsp.ts";
import { createRimSigner, signedRim } from "../../support/rim.ts";

const RUNS = { seed: 20_260_115, numRuns: 3000 };
/** The last is what a responder says that has no answer. */
const CODES = ["none", "EVIDENCE_MALFORMED", "EVIDENCE_UNSUPPORTED", "ENDORSEMENT_UNAVAILABLE"];

describe("damaged evidence of NVIDIA", () => {
  const composite = createDevice();
  const device = createDevice({ leafExtensions: [tcbInfo([TEST_FWID])] });
  const whole = fc.constantFrom(deviceReport(device), deviceReport(device, { records: SWITCH_RECORDS }));
  const jwt = Buffer.from(
    [`{"alg":"ES384","kid":"k"}`, `{"iss":"i"}`, "s".repeat(96)]
      .map((part) => Buffer.from(part).toString("base64url"))
      .join("."),
  );

  const [certificate, issuer] = new ChainVerifier().parseDer(device.certificates) as [Certificate, Certificate];
  const answer = ocspResponse({ certificate, issuer, signer: device.leafKeys, certificates: device.certificates });

  const cases: readonly [string, fc.Arbitrary<Uint8Array>, (bytes: Uint8Array) => unknown][] = [
    ["a report", whole, parseDeviceReport],
    ["a token", fc.constant(jwt), parseToken],
    ["a manifest", fc.constant(signedRim(createRimSigner())), parseRim],
    ["an answer of OCSP", fc.constant(answer), parseOcspResponse],
    [
      "a leaf certificate",
      fc.constantFrom(...[composite, device].flatMap(({ certificates }) => certificates.slice(0, 1))),
      (bytes) => readFirmwareIdentity(parseCertificate(bytes)),
    ],
  ];
  for (const [what, base, parse] of cases) {
    it(`is read or refused with a code: ${what}`, () => {
      fc.assert(
        fc.property(base, damages, (bytes, changes) => {
          expect(CODES).to.include(codeOf(() => parse(damaged(bytes, changes))));
        }),
        RUNS,
      );
    });
  }
});
