import { expect } from "chai";
import type { PckExtension } from "../../../offchain/evidence/dcap/pck.ts";
import type { TdReport } from "../../../offchain/evidence/dcap/report.ts";
import { parseTcbInfo, type IsvLevel, type IsvStatus, type TcbInfo } from "../../../offchain/evidence/dcap/tcb-info.ts";
import { convergeStatus, currentStatus, matchLevels, matchTdxModule } from "../../../offchain/evidence/dcap/tcb.ts";
import type { TcbStatus } from "../../../offchain/evidence/scheme.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const svns = (...head: readonly number[]): { svn: number }[] =>
  Array.from({ length: 16 }, (_, index) => ({ svn: head[index] ?? 0 }));
const level = (sgx: readonly number[], pcesvn: number, tdx: readonly number[], tcbStatus: string): object => ({
  tcb: { sgxtcbcomponents: svns(...sgx), pcesvn, tdxtcbcomponents: svns(...tdx) },
  tcbDate: "2025-01-01T00:00:00Z",
  tcbStatus,
});
const moduleLevel = (isvsvn: number, tcbStatus: string): object => ({
  tcb: { isvsvn },
  tcbDate: "2025-01-01T00:00:00Z",
  tcbStatus,
});
const MODULE = { mrsigner: "00".repeat(48), attributes: "00".repeat(8), attributesMask: "FF".repeat(8) };

const TDX_INFO = {
  id: "TDX",
  version: 3,
  issueDate: "2026-01-01T00:00:00Z",
  nextUpdate: "2026-01-31T00:00:00Z",
  fmspc: "AABBCC010000",
  pceId: "0000",
  tcbType: 0,
  tcbEvaluationDataNumber: 20,
  tdxModule: MODULE,
  tdxModuleIdentities: [
    { ...MODULE, id: "TDX_01", tcbLevels: [moduleLevel(5, "UpToDate"), moduleLevel(2, "OutOfDate")] },
    { ...MODULE, id: "TDX_0a", tcbLevels: [moduleLevel(1, "Revoked")] },
  ],
  tcbLevels: [
    level([5, 5], 13, [5, 0, 6], "UpToDate"),
    level([5, 5], 11, [5, 0, 4], "ConfigurationNeeded"),
    level([2, 2], 5, [1, 0, 2], "OutOfDate"),
  ],
};

function infoOf(changes: object = {}): TcbInfo {
  const text = JSON.stringify({ ...TDX_INFO, ...changes });
  return parseTcbInfo(Buffer.from(`{"tcbInfo":${text},"signature":"${"ab".repeat(64)}"}`));
}

function pckOf(components: readonly number[], pcesvn: number): PckExtension {
  const empty = new Uint8Array();
  const componentSvns = svns(...components).map(({ svn }) => svn);
  return { ppid: empty, componentSvns, pcesvn, cpusvn: empty, pceid: empty, fmspc: empty, sgxType: 0 };
}

function tdOf(teeTcbSvn: readonly number[], changes: Partial<TdReport> = {}): TdReport {
  const zero = (length: number): Uint8Array => new Uint8Array(length);
  return {
    kind: "td",
    teeTcbSvn: Uint8Array.from({ length: 16 }, (_, index) => teeTcbSvn[index] ?? 0),
    mrseam: zero(48),
    mrsignerseam: zero(48),
    seamAttributes: zero(8),
    tdAttributes: zero(8),
    xfam: zero(8),
    mrtd: zero(48),
    mrconfigid: zero(48),
    mrowner: zero(48),
    mrownerconfig: zero(48),
    rtmr: [zero(48), zero(48), zero(48), zero(48)],
    reportData: zero(64),
    workload: zero(384),
    ...changes,
  };
}

const isv = (status: IsvStatus): IsvLevel => ({ isvsvn: 1, status, date: "", advisoryIds: [] });

describe("matchLevels", () => {
  const statuses: readonly [string, readonly number[], number, readonly number[], TcbStatus, TcbStatus][] = [
    ["the first level where everything is reached", [5, 5], 13, [5, 0, 6], "UpToDate", "UpToDate"],
    ["more than the first level asks for", [9, 9, 9], 14, [9, 0, 9, 9], "UpToDate", "UpToDate"],
    ["the next level for a lower PCESVN", [5, 5], 12, [5, 0, 6], "ConfigurationNeeded", "ConfigurationNeeded"],
    ["the last level for one lower component", [9, 4], 13, [9, 0, 9], "OutOfDate", "OutOfDate"],
    ["a lower level of TDX than of SGX", [5, 5], 13, [1, 0, 2], "UpToDate", "OutOfDate"],
    ["components 0 and 1 only where the module has no version", [5, 5], 13, [0, 1, 6], "UpToDate", "UpToDate"],
  ];
  for (const [what, components, pcesvn, tee, sgx, platform] of statuses) {
    it(`finds ${what}`, () => {
      const levels = matchLevels(infoOf(), pckOf(components, pcesvn), tdOf(tee));
      expect([levels.sgx.status, levels.platform.status]).to.deep.equal([sgx, platform]);
    });
  }

  it("finds no level below all", async () => {
    await expectRefusal("EVIDENCE_UNSUPPORTED", () => matchLevels(infoOf(), pckOf([1, 9], 13), undefined));
    await expectRefusal("EVIDENCE_UNSUPPORTED", () => matchLevels(infoOf(), pckOf([5, 5], 4), undefined));
    await expectRefusal("EVIDENCE_UNSUPPORTED", () => matchLevels(infoOf(), pckOf([5, 5], 13), tdOf([0, 0, 9])));
    await expectRefusal("EVIDENCE_UNSUPPORTED", () =>
      matchLevels(infoOf({ tcbLevels: [] }), pckOf([5, 5], 13), undefined),
    );
  });
});

describe("matchTdxModule", () => {
  it("takes the level of the version's identity", () => {
    expect(matchTdxModule(infoOf(), tdOf([7, 1]))?.status).to.equal("UpToDate");
    expect(matchTdxModule(infoOf(), tdOf([4, 1]))?.status).to.equal("OutOfDate");
    expect(matchTdxModule(infoOf(), tdOf([1, 10]))?.status).to.equal("Revoked");
    expect(matchTdxModule(infoOf(), tdOf([0, 0]))).to.equal(undefined);
  });

  it("refuses an unknown version, an SVN below every level, another signer and SEAM attributes", async () => {
    await expectRefusal("EVIDENCE_UNSUPPORTED", () => matchTdxModule(infoOf(), tdOf([7, 2])));
    await expectRefusal("EVIDENCE_UNSUPPORTED", () => matchTdxModule(infoOf(), tdOf([1, 1])));
    await expectRefusal("EVIDENCE_UNSUPPORTED", () =>
      matchTdxModule(infoOf({ tdxModuleIdentities: undefined }), tdOf([7, 1])),
    );
    for (const version of [0, 1]) {
      const signer = { mrsignerseam: new Uint8Array(48).fill(1) };
      const attributes = { seamAttributes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) };
      await expectRefusal("CHAIN_UNTRUSTED", () => matchTdxModule(infoOf(), tdOf([7, version], signer)));
      await expectRefusal("CHAIN_UNTRUSTED", () => matchTdxModule(infoOf(), tdOf([7, version], attributes)));
    }
  });
});

describe("convergeStatus", () => {
  const table: readonly [TcbStatus, IsvStatus, IsvStatus, TcbStatus][] = [
    ["UpToDate", "UpToDate", "UpToDate", "UpToDate"],
    ["SWHardeningNeeded", "UpToDate", "UpToDate", "SWHardeningNeeded"],
    ["UpToDate", "OutOfDate", "UpToDate", "OutOfDate"],
    ["UpToDate", "UpToDate", "OutOfDate", "OutOfDate"],
    ["SWHardeningNeeded", "UpToDate", "OutOfDate", "OutOfDate"],
    ["ConfigurationNeeded", "OutOfDate", "UpToDate", "OutOfDateConfigurationNeeded"],
    ["ConfigurationAndSWHardeningNeeded", "UpToDate", "OutOfDate", "OutOfDateConfigurationNeeded"],
    ["OutOfDate", "OutOfDate", "OutOfDate", "OutOfDate"],
    ["OutOfDateConfigurationNeeded", "OutOfDate", "UpToDate", "OutOfDateConfigurationNeeded"],
    ["UpToDate", "Revoked", "UpToDate", "Revoked"],
    ["OutOfDate", "UpToDate", "Revoked", "Revoked"],
    ["Revoked", "OutOfDate", "OutOfDate", "Revoked"],
  ];
  for (const [platform, tdxModule, quotingEnclave, status] of table) {
    it(`makes ${status} of platform ${platform}, module ${tdxModule}, quoting enclave ${quotingEnclave}`, () => {
      const found = { sgxComponents: [], pcesvn: 0, tdxComponents: [], status: platform, date: "", advisoryIds: [] };
      const parts = {
        levels: { sgx: found, platform: found },
        tdxModule: isv(tdxModule),
        quotingEnclave: isv(quotingEnclave),
      };
      expect(convergeStatus(infoOf(), parts, undefined)).to.equal(status);
    });
  }

  const relaunch = (launched: readonly number[], now: readonly number[], quotingEnclave: IsvStatus): TcbStatus => {
    const teeTcbSvn2 = Uint8Array.from({ length: 16 }, (_, index) => now[index] ?? 0);
    const td = tdOf(launched, { current: { teeTcbSvn2, mrservicetd: new Uint8Array(48) } });
    const pck = pckOf([5, 5], 13);
    const parts = {
      levels: matchLevels(infoOf(), pck, td),
      tdxModule: matchTdxModule(infoOf(), td),
      quotingEnclave: isv(quotingEnclave),
    };
    return convergeStatus(infoOf(), parts, td);
  };

  it("advises a relaunch where only the launch was out of date", () => {
    expect(relaunch([2, 1, 2], [5, 1, 6], "UpToDate")).to.equal("TDRelaunchAdvised");
    expect(relaunch([2, 1, 4], [5, 1, 6], "UpToDate")).to.equal("TDRelaunchAdvisedConfigurationNeeded");
  });

  it("advises none where the platform is out of date now, or the quoting enclave is", () => {
    expect(relaunch([2, 1, 2], [4, 1, 6], "UpToDate")).to.equal("OutOfDate");
    expect(relaunch([2, 1, 2], [5, 1, 5], "UpToDate")).to.equal("OutOfDate");
    expect(relaunch([2, 1, 2], [5, 1, 6], "OutOfDate")).to.equal("OutOfDate");
    expect(relaunch([2, 1, 2], [5, 1, 6], "Revoked")).to.equal("Revoked");
  });

  it("tells the status of a TDX 1.5 platform now", () => {
    const current = (teeTcbSvn2: Uint8Array): TcbStatus | undefined =>
      currentStatus(
        infoOf(),
        pckOf([5, 5], 13),
        tdOf([2, 1, 2], { current: { teeTcbSvn2, mrservicetd: new Uint8Array(48) } }),
        isv("UpToDate"),
      );
    expect(current(Uint8Array.of(5, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).to.equal("UpToDate");
    expect(current(new Uint8Array(16))).to.equal(undefined);
  });
});

describe("parseTcbInfo", () => {
  const text = JSON.stringify(TDX_INFO);
  const refusals: readonly [string, string][] = [
    ["what is not JSON", `{"tcbInfo":{oops},"signature":"${"ab".repeat(64)}"}`],
    ["another member's name", `{"info":${text},"signature":"${"ab".repeat(64)}"}`],
    ["a short signature", `{"tcbInfo":${text},"signature":"abcd"}`],
    ["a second statement behind the first", `{"tcbInfo":${text},"tcbInfo":${text},"signature":"${"ab".repeat(64)}"}`],
    ["version 4", signedText({ version: 4 })],
    ["an unknown id", signedText({ id: "XTD" })],
    ["another TCB type", signedText({ tcbType: 1 })],
    ["an FMSPC of five bytes", signedText({ fmspc: "AABBCC0100" })],
    ["a date without time", signedText({ issueDate: "2026-01-01" })],
    ["an unknown status", signedText({ tcbLevels: [level([1], 1, [1], "Wonderful")] })],
    [
      "a level of TDX without its components",
      signedText({
        tcbLevels: [
          { tcb: { sgxtcbcomponents: svns(), pcesvn: 1 }, tcbDate: "2025-01-01T00:00:00Z", tcbStatus: "UpToDate" },
        ],
      }),
    ],
    [
      "fifteen components",
      signedText({
        tcbLevels: [
          {
            tcb: { sgxtcbcomponents: svns().slice(1), pcesvn: 1, tdxtcbcomponents: svns() },
            tcbDate: "2025-01-01T00:00:00Z",
            tcbStatus: "UpToDate",
          },
        ],
      }),
    ],
    ["an SVN of 256", signedText({ tcbLevels: [level([256], 1, [1], "UpToDate")] })],
    ["no TDX module", signedText({ tdxModule: undefined })],
    ["more than 512 KiB", signedText({}).padStart((1 << 19) + 1)],
  ];

  function signedText(changes: object): string {
    return `{"tcbInfo":${JSON.stringify({ ...TDX_INFO, ...changes })},"signature":"${"ab".repeat(64)}"}`;
  }

  for (const [what, document] of refusals) {
    it(`refuses ${what}`, () => expectRefusal("ENDORSEMENT_INVALID", () => parseTcbInfo(Buffer.from(document))));
  }

  it("keeps the signed bytes as they stand", () => {
    const spaced = ` {  "tcbInfo" : ${text.replaceAll(",", ", ")} , "signature" : "${"AB".repeat(64)}" }\n`;
    const { signed } = parseTcbInfo(Buffer.from(spaced));
    expect(Buffer.from(signed.signedPart).toString()).to.equal(text.replaceAll(",", ", "));
  });

  it("reads version 2 with its numbered components", () => {
    const components = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, index]),
    );
    const { id: _id, tdxModule: _module, tdxModuleIdentities: _identities, ...rest } = TDX_INFO;
    const tcbLevels = [{ tcb: { ...components, pcesvn: 7 }, tcbDate: "2025-01-01T00:00:00Z", tcbStatus: "UpToDate" }];
    const document = JSON.stringify({ ...rest, version: 2, tcbLevels });
    const info = parseTcbInfo(Buffer.from(`{"tcbInfo":${document},"signature":"${"ab".repeat(64)}"}`));
    expect(info.id).to.equal("SGX");
    expect(info.levels[0]?.sgxComponents).to.deep.equal(Array.from({ length: 16 }, (_, index) => index));
  });
});
