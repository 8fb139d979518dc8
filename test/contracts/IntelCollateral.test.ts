import { expect } from "chai";
import { keccak256 } from "ethers";
import { sign } from "node:crypto";
import type { CollateralDefects } from "../../offchain/device/simulated/intel/collateral.ts";
import { SIMULATED_FMSPC } from "../../offchain/device/simulated/intel/platform.ts";
import { revoke, vendorAuthority } from "../../offchain/device/simulated/intel/vendor.ts";
import { concat, utf8 } from "../../offchain/encoding/bytes.ts";
import { contractStatements } from "../../offchain/evidence/dcap/contract-input.ts";
import { parseCertificate } from "../../offchain/x509/certificate.ts";
import { parseRevocationList } from "../../offchain/x509/crl.ts";
import { authorityKeyIdentifier, crlNumber } from "../../offchain/x509/issue-extensions.ts";
import { issueCrl, issuerKeyIdentifier } from "../../offchain/x509/issue.ts";
import { deployDcap, onChain, refusalOf, upsertAll, upserts } from "../support/dcap-chain.ts";
import { SIMULATED_NOW } from "../support/simulated-intel.ts";
import {
  bringCollateral,
  DAY,
  der,
  endorsementsOf,
  NOW,
  openSimulatedDcap,
  quoteOf,
  type SimulatedDcap,
} from "../support/simulated-dcap.ts";
import { describeVectors, readVector } from "../support/vectors.ts";

const STEPS = { rootCrl: 0, pckCrl: 1, tcbInfo: 2, qeIdentity: 3 } as const;
/** Order of the members of `IDcapErrors.Signed`, `Rule` and `Timed`. */
const SIGNED = { certificate: 0, list: 1, statement: 2 };
const RULE = { issuer: 4, issuerKey: 5, role: 6, name: 7, root: 8 };
const TIMED = { certificate: 0, rootCrl: 1, pckCrl: 2, tcbInfo: 3, qeIdentity: 4 };

describe("IntelCollateral", () => {
  let dcap: SimulatedDcap;

  before(async () => {
    dcap = await openSimulatedDcap();
  });

  /** Runs on the empty contract, or on one with all collateral, and takes everything back. */
  const fresh = <T>(run: () => Promise<T>, seconds = NOW): Promise<T> => dcap.chain.at(seconds, run);
  const filled = <T>(run: () => Promise<T>, seconds = NOW): Promise<T> =>
    dcap.chain.at(NOW, async () => {
      await bringCollateral(dcap);
      return dcap.chain.at(seconds, run);
    });

  const step = (name: keyof typeof STEPS, options: Parameters<typeof endorsementsOf>[2] = {}, vendor = dcap.vendor) => {
    const call = upserts(dcap.collateral, endorsementsOf(vendor, "intel-sgx", options))[STEPS[name]];
    if (call === undefined) throw new Error(name);
    return call();
  };
  const dayLater = { now: SIMULATED_NOW + DAY * 1000 };

  describe("constructor", () => {
    it("says whether the root is Intel's own", async () => {
      expect(await dcap.collateral.simulated()).to.equal(true);
    });

    describeVectors("with Intel's root", ["dcap/collateral/pck-platform-ca-chain.pem"], () => {
      it("is not simulated", async () => {
        const pem = Buffer.from(await readVector("dcap/collateral/pck-platform-ca-chain.pem")).toString("latin1");
        const root = utf8(pem.slice(pem.lastIndexOf("-----BEGIN")));
        const { collateral } = await deployDcap(dcap.chain, root);
        expect(await collateral.simulated()).to.equal(false);
      });
    });
  });

  describe("upserts", () => {
    it("announce each part and until when it is in force", async () => {
      await fresh(async () => {
        const { collateral } = dcap;
        const issuedAt = NOW - 3600;
        await expect(step("rootCrl"))
          .to.emit(collateral, "RootCrlUpserted")
          .withArgs(issuedAt, issuedAt + 365 * DAY);
        await expect(step("pckCrl")).to.emit(collateral, "PckCrlUpserted");
        await expect(step("tcbInfo"))
          .to.emit(collateral, "TcbInfoUpserted")
          .withArgs(false, SIMULATED_FMSPC, 20, issuedAt, issuedAt + 30 * DAY);
        await expect(step("qeIdentity"))
          .to.emit(collateral, "QeIdentityUpserted")
          .withArgs(false, 20, issuedAt, issuedAt + 30 * DAY);
        expect(await collateral.tcbInfoValidUntil(false, SIMULATED_FMSPC)).to.equal(issuedAt + 30 * DAY);
        expect(await collateral.qeIdentityValidUntil(false)).to.equal(issuedAt + 30 * DAY);
        expect(await collateral.tcbInfoValidUntil(true, SIMULATED_FMSPC)).to.equal(0);
      });
    });

    it("need the root's list first, and in force", async () => {
      await fresh(async () => {
        for (const name of ["pckCrl", "tcbInfo", "qeIdentity"] as const) {
          expect(await refusalOf(step(name))).to.equal("IntelCollateralNoRoot()");
        }
      });
      await filled(
        async () => {
          const now = SIMULATED_NOW + 365 * DAY * 1000;
          expect(await refusalOf(step("pckCrl", { now }))).to.match(startsWith(`DcapNotValid(${TIMED.rootCrl},`));
        },
        NOW + 365 * DAY,
      );
    });

    it("refuse what is as old as what is there, or older (rollback)", async () => {
      await filled(async () => {
        for (const name of ["rootCrl", "pckCrl", "tcbInfo", "qeIdentity"] as const) {
          expect(await refusalOf(step(name)), name).to.match(/^IntelCollateralNotNewer/);
        }
        await upsertAll(dcap.collateral, endorsementsOf(dcap.vendor, "intel-sgx", dayLater));
        for (const name of ["rootCrl", "pckCrl", "tcbInfo", "qeIdentity"] as const) {
          expect(await refusalOf(step(name)), name).to.match(/^IntelCollateralNotNewer/);
        }
      }, NOW + DAY);
    });

    it("refuse a lower evaluation number of a later date, and take a higher one of the same date", async () => {
      await filled(async () => {
        const evaluated = (number: number, options = {}) =>
          refusalOf(signed("tcbInfo", options, (text) => text.replace('Number":20', `Number":${number}`)));
        expect(await evaluated(19, dayLater)).to.equal("IntelCollateralNotNewer(20,19)");
        expect(await evaluated(20)).to.match(/^IntelCollateralNotNewer/);
        expect(await evaluated(21)).to.equal(undefined);
        expect(await evaluated(20, dayLater)).to.equal("IntelCollateralNotNewer(21,20)");
      }, NOW + DAY);
    });

    it("refuse what is not yet, or no longer valid (traps 6 and 8)", async () => {
      await filled(async () => {
        for (const [name, timed] of [
          ["rootCrl", TIMED.pckCrl],
          ["pckCrl", TIMED.pckCrl],
          ["tcbInfo", TIMED.tcbInfo],
          ["qeIdentity", TIMED.qeIdentity],
        ] as const) {
          const refusal = await refusalOf(step(name, dayLater));
          expect(refusal, name).to.match(startsWith(`DcapNotValid(${timed},`));
        }
      });
      await fresh(
        async () => {
          await step("rootCrl");
          for (const name of ["pckCrl", "tcbInfo", "qeIdentity"] as const) {
            expect(await refusalOf(step(name)), name).to.match(/^DcapNotValid/);
          }
        },
        NOW + 31 * DAY,
      );
    });

    const DEFECTS: readonly [keyof typeof STEPS, CollateralDefects, string][] = [
      ["tcbInfo", { editedTcbInfo: true }, `DcapInvalidSignature(${SIGNED.statement})`],
      ["tcbInfo", { signedByPckCa: "platform" }, `DcapRuleBroken(${RULE.role})`],
      ["qeIdentity", { signedByPckCa: "processor" }, `DcapRuleBroken(${RULE.role})`],
      ["pckCrl", { forgedPckCrl: true }, `DcapRuleBroken(${RULE.issuerKey})`],
    ];
    for (const [name, defects, error] of DEFECTS) {
      it(`refuse the ${name} with the defect ${JSON.stringify(defects)}`, async () => {
        await fresh(async () => {
          await step("rootCrl");
          expect(await refusalOf(step(name, { defects }))).to.equal(error);
        });
      });
    }

    it("refuse a forged list that names the right key", async () => {
      await fresh(async () => {
        const { collateral, vendor } = dcap;
        const { rootCaCrl = new Uint8Array() } = endorsementsOf(vendor, "intel-sgx");
        const forged = Uint8Array.from(rootCaCrl);
        forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
        const root = der(vendor.certificates.root);
        expect(await refusalOf(collateral.upsertRootCrl(root, forged))).to.equal(
          `DcapInvalidSignature(${SIGNED.list})`,
        );
      });
    });

    it("refuse a certificate that has not the part's role or name", async () => {
      await fresh(async () => {
        const { collateral, vendor } = dcap;
        const { root, platform, tcbSigning } = vendor.certificates;
        const given = endorsementsOf(vendor, "intel-tdx");
        const { tcbInfo } = contractStatements(given);
        const [rootCrl, pckCrl] = [given.rootCaCrl ?? new Uint8Array(), given.pckCrl ?? new Uint8Array()];
        expect(await refusalOf(collateral.upsertRootCrl(platform, rootCrl))).to.equal(`DcapRuleBroken(${RULE.root})`);
        await collateral.upsertRootCrl(root, rootCrl);
        const lists = (certificate: string, list: Uint8Array) => refusalOf(collateral.upsertPckCrl(certificate, list));
        expect(await lists(tcbSigning, pckCrl)).to.equal(`DcapRuleBroken(${RULE.role})`);
        expect(await lists(root, rootCrl)).to.equal(`DcapRuleBroken(${RULE.name})`);
        expect(await lists(platform, rootCrl)).to.equal(`DcapRuleBroken(${RULE.issuer})`);
        const statement = (signer: string) =>
          refusalOf(collateral.upsertTcbInfo(signer, tcbInfo.document, tcbInfo.signature));
        expect(await statement(platform)).to.equal(`DcapRuleBroken(${RULE.role})`);
        const pck = (await quoteOf(vendor, { tee: "intel-tdx" })).pckChain[0] ?? new Uint8Array();
        expect(await refusalOf(collateral.upsertTcbInfo(pck, tcbInfo.document, tcbInfo.signature))).to.equal(
          `DcapRuleBroken(${RULE.issuer})`,
        );
        expect(await refusalOf(collateral.upsertTcbInfo(tcbSigning, tcbInfo.document, "0x00"))).to.equal(
          "IntelCollateralSignatureLength(1)",
        );
        expect(await statement(tcbSigning)).to.equal(undefined);
      });
    });

    it("refuse statements in which a member is missing, doubled, of another form or of another version", async () => {
      await fresh(async () => {
        await step("rootCrl");
        const CHANGES: readonly ["tcbInfo" | "qeIdentity", string | RegExp, string][] = [
          ["tcbInfo", '"version":3', '"version":2'],
          ["tcbInfo", '"version":3', '"version":03'],
          ["tcbInfo", '"version":3,', ""],
          ["tcbInfo", '"tcbType":0', '"tcbType":1'],
          ["tcbInfo", '"pceId":"0000"', '"pceId":"0000","pceId":"0000"'],
          ["tcbInfo", '"pceId":"0000"', '"pceId":"00"'],
          ["tcbInfo", '"pceId":"0000"', '"pceId":"00g0"'],
          ["tcbInfo", '"id":"SGX"', '"id":"XGS"'],
          ["tcbInfo", '"id":"SGX"', '"id":"TDX"'],
          ["tcbInfo", '"svn":9', '"svn":256'],
          ["tcbInfo", '{"svn":0},', ""],
          ["tcbInfo", '"pcesvn":13', '"isvsvn":13'],
          ["tcbInfo", '"tcbStatus":"UpToDate"', '"tcbStatus":"uptodate"'],
          ["tcbInfo", '"tcbStatus":"UpToDate"', '"tcbStatus":"TDRelaunchAdvised"'],
          ["tcbInfo", /"issueDate":"[^"]*"/, '"issueDate":"2027-02-30T00:00:00Z"'],
          ["tcbInfo", /"nextUpdate":"([^"]*)Z"/, '"nextUpdate":"$1"'],
          ["tcbInfo", '{"id"', '{ "id"'],
          ["tcbInfo", /\}$/, "},"],
          ["tcbInfo", /\}$/, ""],
          ["qeIdentity", '"version":2', '"version":3'],
          ["qeIdentity", '"id":"QE"', '"id":"QVE"'],
          ["qeIdentity", '"isvprodid":1,', ""],
          ["qeIdentity", '"isvprodid":1', '"isvprodid":65536'],
          ["qeIdentity", '"miscselectMask":"FFFFFFFF"', '"miscselectMask":"FFFFFF"'],
          ["qeIdentity", '"tcbStatus":"OutOfDate"', '"tcbStatus":"SWHardeningNeeded"'],
        ];
        for (const [part, from, to] of CHANGES) {
          const change = (text: string): string => {
            const changed = text.replace(from, to);
            if (changed === text) throw new Error(`nothing to change: ${String(from)}`);
            return changed;
          };
          expect(await refusalOf(signed(part, {}, change)), `${part} ${to}`).to.match(/^DcapMalformed(?:Json|Der)/);
        }
        for (const part of ["tcbInfo", "qeIdentity"] as const) {
          const added = (text: string): string => text.replace("{", '{"new":[{"a":"}]\\\\\\""},1.5,null],');
          expect(await refusalOf(signed(part, {}, added)), "an unknown member is passed over").to.equal(undefined);
        }
      });
    });
  });

  describe("revocation", () => {
    const revokedBy = (issuer: "root" | "processor", serial: `0x${string}`) =>
      revoke(dcap.vendor, { issuer, serial, revokedAt: SIMULATED_NOW });

    it("marks serial numbers under their issuer, for ever (trap 14)", async () => {
      await filled(async () => {
        const { collateral } = dcap;
        const { platform, pckChain } = await quoteOf(dcap.vendor, { tee: "intel-sgx" });
        const issuer = keccak256(parseCertificate(pckChain[0] ?? new Uint8Array()).issuer.raw);
        const vendor = revokedBy("processor", platform.pckSerial);
        await expect(step("pckCrl", dayLater, vendor))
          .to.emit(collateral, "CertificateRevoked")
          .withArgs(issuer, platform.pckSerial);
        expect(await collateral.isRevoked(issuer, platform.pckSerial)).to.equal(true);
        expect(await collateral.isRevoked(keccak256("0x00"), platform.pckSerial)).to.equal(false);
        await dcap.chain.networkHelpers.time.increaseTo(NOW + 2 * DAY);
        await step("pckCrl", { now: SIMULATED_NOW + 2 * DAY * 1000 });
        expect(await collateral.isRevoked(issuer, platform.pckSerial)).to.equal(true);
      }, NOW + DAY);
    });

    it("of the PCK authority or the TCB signer ends everything under it", async () => {
      for (const role of ["processor", "tcbSigning"] as const) {
        await filled(async () => {
          const { serial } = parseCertificate(der(dcap.vendor.certificates[role]));
          const vendor = revokedBy("root", `0x${serial}`);
          const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-sgx" })).quote);
          const verified = () => refusalOf(dcap.verifier.verify(quote, pckCertificate));
          expect(await verified(), role).to.equal(undefined);
          await step("rootCrl", dayLater, vendor);
          expect(await verified(), role).to.match(/^DcapRevoked/);
          const name = role === "processor" ? "pckCrl" : "tcbInfo";
          expect(await refusalOf(step(name, dayLater, vendor))).to.match(/^DcapRevoked/);
        }, NOW + DAY);
      }
    });

    it("of something else changes nothing", async () => {
      await filled(async () => {
        const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee: "intel-sgx" })).quote);
        await step("rootCrl", dayLater, revokedBy("root", "0x4001"));
        expect(await refusalOf(dcap.verifier.verify(quote, pckCertificate))).to.equal(undefined);
      }, NOW + DAY);
    });
  });

  describe("tcbOf", () => {
    const factsOf = async (tee: "intel-sgx" | "intel-tdx") => {
      const { quote, pckCertificate } = onChain((await quoteOf(dcap.vendor, { tee })).quote);
      const { facts } = (await dcap.verifier.verify.staticCall(quote, pckCertificate)) as { facts: Facts };
      return facts.toObject();
    };
    interface Facts {
      toObject(): Record<string, unknown>;
    }

    it("evaluates a platform again without its quote, by collateral that came later", async () => {
      await filled(async () => {
        const facts = await factsOf("intel-tdx");
        const status = async () => ((await dcap.collateral.tcbOf(facts)) as bigint[])[0];
        expect(await status()).to.equal(1n);
        const older = (text: string): string => text.replace('"tcbStatus":"UpToDate"', '"tcbStatus":"OutOfDate"');
        await signed("tcbInfo", dayLater, (text) => text.replaceAll('"svn":9', '"svn":10'), "intel-tdx");
        expect(await status()).to.equal(2n);
        await signed("qeIdentity", dayLater, older, "intel-tdx");
        expect(await status()).to.equal(5n);
      }, NOW + DAY);
    });

    it("says nothing of a platform whose collateral is not in force (traps 8 and 10)", async () => {
      await filled(async () => {
        const facts = await factsOf("intel-sgx");
        const refused = (seconds: number, changed = {}) =>
          dcap.chain.at(seconds, () => refusalOf(dcap.collateral.tcbOf({ ...facts, ...changed })));
        const end = NOW - 3600 + 30 * DAY;
        expect(await refused(end)).to.equal(undefined);
        expect(await refused(end + 1)).to.match(startsWith(`DcapNotValid(${TIMED.pckCrl},`));
        expect(await refused(NOW + 365 * DAY)).to.match(startsWith(`DcapNotValid(${TIMED.rootCrl},`));
        expect(await refused(NOW, { fmspc: "0x000000000001" })).to.equal(`DcapNotValid(${TIMED.tcbInfo},0,0)`);
        expect(await refused(NOW, { issuer: keccak256("0x00") })).to.equal(`DcapNotValid(${TIMED.pckCrl},0,0)`);
        expect(await refused(NOW, { validUntil: NOW - 1 })).to.equal(`DcapNotValid(${TIMED.certificate},0,${NOW - 1})`);
        expect(await refused(NOW, { pceid: 1 })).to.equal("IntelCollateralWrongPceId(0,1)");
      });
    });

    it("holds the quoting enclave against every part of its identity", async () => {
      await filled(async () => {
        const facts = await factsOf("intel-sgx");
        const refused = (changed: object) => refusalOf(dcap.collateral.tcbOf({ ...facts, ...changed }));
        for (const changed of [
          { qeSigner: keccak256("0x00") },
          { qeMiscselect: "0x00000001" },
          { qeProductId: 2 },
          { qeAttributes: "0x17000000000000000000000000000000" },
        ]) {
          expect(await refused(changed)).to.equal("IntelCollateralWrongQuotingEnclave()");
        }
        expect(await refused({ qeIsvSvn: 1 })).to.equal("IntelCollateralNoLevel()");
        expect(await refused({ qeIsvSvn: 65_535, qeAttributes: "0x15000000000000000700000000000000" })).to.equal(
          undefined,
        );
      });
    });

    it("compares every component, and takes the module's two from its identity", async () => {
      await filled(async () => {
        const facts = await factsOf("intel-tdx");
        const status = async (changed: object) => {
          const refused = await refusalOf(dcap.collateral.tcbOf({ ...facts, ...changed }));
          if (refused !== undefined) return refused;
          return ((await dcap.collateral.tcbOf({ ...facts, ...changed })) as bigint[])[0];
        };
        const svns = facts["svns"] as string;
        for (const index of [2, 3, 4, 5, 7]) {
          expect(await status({ svns: withOctet(svns, index, 0) }), `component ${index}`).to.equal(
            "IntelCollateralNoLevel()",
          );
        }
        for (const index of [6, 8, 15]) expect(await status({ svns: withOctet(svns, index, 255) })).to.equal(1n);
        expect(await status({ svns: withOctet(svns, 0, 8) })).to.equal(2n);
        expect(await status({ pcesvn: 12 })).to.equal("IntelCollateralNoLevel()");
        const tdx = facts["teeTcbSvn"] as string;
        expect(await status({ teeTcbSvn: withOctet(tdx, 2, 5) })).to.equal(5n);
        expect(await status({ teeTcbSvn: withOctet(tdx, 0, 4) })).to.equal(5n);
        expect(await status({ teeTcbSvn: withOctet(tdx, 0, 1) })).to.equal("IntelCollateralNoLevel()");
        expect(await status({ teeTcbSvn: withOctet(tdx, 1, 0) })).to.equal(1n);
        expect(await status({ teeTcbSvn: withOctet(tdx, 1, 2) })).to.equal("IntelCollateralWrongTdxModule(2)");
        expect(await status({ seamSigner: keccak256("0x00") })).to.equal("IntelCollateralWrongTdxModule(1)");
      });
    });

    it("advises a new launch where only the module at the launch is out of date", async () => {
      await filled(async () => {
        const facts = await factsOf("intel-tdx");
        const tdx = facts["teeTcbSvn"] as string;
        const old = withOctet(tdx, 0, 4);
        const status = async (changed: object) =>
          (
            (await dcap.collateral.tcbOf({
              ...facts,
              current: true,
              teeTcbSvn: old,
              teeTcbSvn2: tdx,
              ...changed,
            })) as bigint[]
          )[0];
        expect(await status({})).to.equal(8n);
        expect(await status({ current: false })).to.equal(5n);
        expect(await status({ teeTcbSvn2: old })).to.equal(5n);
        expect(await status({ teeTcbSvn2: withOctet(tdx, 2, 8) })).to.equal(5n);
        expect(await status({ teeTcbSvn: withOctet(withOctet(tdx, 0, 4), 2, 7) })).to.equal(9n);
        expect(await status({ qeIsvSvn: 4 })).to.equal(5n);
        expect(
          await refusalOf(
            dcap.collateral.tcbOf({ ...facts, current: true, teeTcbSvn: old, teeTcbSvn2: withOctet(tdx, 1, 7) }),
          ),
        ).to.equal("IntelCollateralWrongTdxModule(7)");
      });
    });
  });

  /** Sends a statement changed before it is signed. */
  async function signed(
    part: "tcbInfo" | "qeIdentity",
    options: Parameters<typeof endorsementsOf>[2],
    change: (text: string) => string,
    tee: "intel-sgx" | "intel-tdx" = "intel-sgx",
  ): Promise<unknown> {
    const { signer, document } = contractStatements(endorsementsOf(dcap.vendor, tee, options))[part];
    const changed = utf8(change(Buffer.from(document).toString("latin1")));
    const { privateKey } = vendorAuthority(dcap.vendor, "tcbSigning");
    const signature = sign("sha256", changed, { key: privateKey, dsaEncoding: "ieee-p1363" });
    const { collateral } = dcap;
    return part === "tcbInfo"
      ? collateral.upsertTcbInfo(signer, changed, signature)
      : collateral.upsertQeIdentity(signer, changed, signature);
  }

  it("reads every entry of a long list, as the verifier off chain does", async () => {
    await fresh(async () => {
      await step("rootCrl");
      const serials = Array.from({ length: 100 }, (_zero, index) => concat(Uint8Array.of(0x40), uint16(index)));
      const issuer = vendorAuthority(dcap.vendor, "processor");
      const list = issueCrl(
        {
          thisUpdate: SIMULATED_NOW,
          nextUpdate: SIMULATED_NOW + DAY * 1000,
          revoked: serials.map((serial) => ({ serial, revokedAt: SIMULATED_NOW })),
          extensions: [crlNumber(1), authorityKeyIdentifier(issuerKeyIdentifier(issuer))],
        },
        issuer,
      );
      await dcap.collateral.upsertPckCrl(dcap.vendor.certificates.processor, list);
      const { issuer: name, revoked } = parseRevocationList(list);
      expect(revoked.size).to.equal(100);
      for (const serial of revoked) {
        expect(await dcap.collateral.isRevoked(keccak256(name.raw), `0x${serial}`), serial).to.equal(true);
      }
    });
  });
});

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[()]/g, String.raw`\$&`)}`);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** Hex with another octet at an index. */
function withOctet(hex: string, index: number, octet: number): string {
  const at = 2 + 2 * index;
  return hex.slice(0, at) + octet.toString(16).padStart(2, "0") + hex.slice(at + 2);
}
