import { expect } from "chai";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import * as fc from "fast-check";
import { appraise } from "../../../offchain/verifier/appraise.ts";
import { combinePolicies, parsePolicyDocument, type Policy } from "../../../offchain/verifier/policy-layers.ts";
import { diffPolicies } from "../../../offchain/verifier/policy-diff.ts";
import { DEFAULT_POLICY, parsePolicy, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import { verdictOf, type Failure } from "../../../offchain/verifier/result.ts";
import { policyDocuments } from "../../support/policy-documents.ts";

type Tier = Failure["tier"];

const TDX: Claims = {
  platform: "intel-tdx",
  simulated: false,
  root: { name: "Intel SGX Root CA", spkiSha256: "a0".repeat(32) },
  measurements: { mrtd: "ab".repeat(48), rtmr0: "cd".repeat(48), mrservicetd: "00".repeat(48) },
  workloadId: "11".repeat(32),
  reportData: "22".repeat(64),
  debug: false,
  tcb: { status: "UpToDate", advisoryIds: ["INTEL-SA-00001"], date: "2026-01-01T00:00:00Z", evaluationDataNumber: 20 },
  evidenceHash: "33".repeat(32),
  validUntil: 0,
  details: { tdAttributes: "0000001000000000", xfam: "e702060000000000", trailingBytes: 0, trailingZero: true },
};

const NOW = Date.UTC(2027, 0, 15);

interface Case {
  readonly claims?: Partial<Claims>;
  readonly policy?: Partial<AppraisalPolicy>;
  readonly reportData?: Uint8Array;
  /** Seconds before `NOW`. */
  readonly made?: number;
}

function failures(claims: Claims, policy: Policy, { reportData, made }: Case = {}): readonly Failure[] {
  const evidenceTime = made === undefined ? undefined : NOW - made * 1000;
  const rulings = appraise(claims, { policy, now: NOW, expectedReportData: reportData, evidenceTime });
  return rulings.flatMap(({ against }) => (against ? [against] : []));
}

function against(found: Case): readonly (readonly [string, Tier])[] {
  const { tcb = TDX.tcb, ...rest } = found.claims ?? {};
  const appraised = { ...TDX, ...rest, ...(tcb === undefined ? {} : { tcb }) };
  return failures(appraised, { ...DEFAULT_POLICY, ...found.policy }, found).map(({ id, tier }) => [id, tier]);
}

const tcb = (changes: Partial<NonNullable<Claims["tcb"]>>): NonNullable<Claims["tcb"]> => ({
  status: "UpToDate",
  advisoryIds: [],
  date: "",
  evaluationDataNumber: 20,
  ...changes,
});
const details = (changes: Claims["details"]): Claims["details"] => ({ ...TDX.details, ...changes });

const deny = (list: Partial<AppraisalPolicy["deny"]>): Partial<AppraisalPolicy> => ({
  deny: { ...DEFAULT_POLICY.deny, ...list },
});

describe("appraise", () => {
  const table: readonly [string, Case, string, Tier][] = [
    ["a simulated vendor", { claims: { simulated: true } }, "trust-root", "contraindicated"],
    ["a platform that is not named", { policy: { platforms: ["intel-sgx"] } }, "platform", "contraindicated"],
    [
      "unsigned bytes behind the evidence",
      { claims: { details: details({ trailingBytes: 3, trailingZero: false }) } },
      "trailing-bytes",
      "warning",
    ],
    ["debug mode", { claims: { debug: true } }, "debug", "contraindicated"],
    ["debug mode that is allowed", { claims: { debug: true }, policy: { allowDebug: true } }, "debug", "warning"],
    [
      "the debug bit of the attributes",
      { claims: { details: details({ tdAttributes: "0100001000000000" }) } },
      "td-attributes",
      "contraindicated",
    ],
    [
      "profiling",
      { claims: { details: details({ tdAttributes: "1000001000000000" }) }, policy: { allowDebug: true } },
      "td-attributes",
      "contraindicated",
    ],
    [
      "reserved attributes",
      { claims: { details: details({ tdAttributes: "0001001000000000" }) } },
      "td-attributes",
      "contraindicated",
    ],
    [
      "extended features without SSE",
      { claims: { details: details({ xfam: "e502060000000000" }) } },
      "td-attributes",
      "contraindicated",
    ],
    [
      "unknown extended features",
      { claims: { details: details({ xfam: "e702e60000000000" }) } },
      "td-attributes",
      "warning",
    ],
    [
      "a service TD",
      { claims: { measurements: { ...TDX.measurements, mrservicetd: "05".repeat(48) } } },
      "service-td",
      "warning",
    ],
    [
      "a service TD that is not allowed",
      {
        claims: { measurements: { ...TDX.measurements, mrservicetd: "05".repeat(48) } },
        policy: { allowServiceTd: false },
      },
      "service-td",
      "contraindicated",
    ],
    ["a measurement of zero", { claims: { measurements: { mrtd: "00".repeat(48) } } }, "measured", "contraindicated"],
    ["no measurement", { claims: { measurements: {} } }, "measured", "contraindicated"],
    ["an unknown workload id", { policy: { workloadIds: ["44".repeat(32)] } }, "workload", "contraindicated"],
    [
      "a set of measurements that matches in part",
      { policy: { measurements: [{ mrtd: "ab".repeat(48), rtmr0: "00".repeat(48) }] } },
      "workload",
      "contraindicated",
    ],
    [
      "a measurement that the evidence lacks",
      { policy: { measurements: [{ mrenclave: "ab".repeat(32) }] } },
      "workload",
      "contraindicated",
    ],
    ["other report data", { reportData: new Uint8Array(64) }, "report-data", "contraindicated"],
    ["a revoked TCB", { claims: { tcb: tcb({ status: "Revoked" }) } }, "tcb-status", "contraindicated"],
    ["an out-of-date TCB that is accepted", { claims: { tcb: tcb({ status: "OutOfDate" }) } }, "tcb-status", "warning"],
    [
      "an out-of-date TCB that is not",
      { claims: { tcb: tcb({ status: "OutOfDate" }) }, policy: { tcbStatuses: ["UpToDate"] } },
      "tcb-status",
      "contraindicated",
    ],
    ["an old TCB evaluation", { policy: { minimumEvaluationNumber: 21 } }, "tcb-evaluation", "contraindicated"],
    [
      "an advisory that is refused",
      { policy: deny({ advisories: ["INTEL-SA-00001"] }) },
      "advisories",
      "contraindicated",
    ],
  ];
  for (const [what, found, id, tier] of table) {
    it(`finds ${what}: ${tier}`, () => expect(against(found)).to.deep.equal([[id, tier]]));
  }

  it("has nothing against what the policy names", () => {
    expect(against({})).to.deep.equal([]);
    expect(against({ policy: { measurements: [{ mrtd: "ab".repeat(48) }] } })).to.deep.equal([]);
    expect(against({ policy: { workloadIds: ["11".repeat(32)] } })).to.deep.equal([]);
    expect(against({ reportData: new Uint8Array(64).fill(0x22) })).to.deep.equal([]);
    expect(against({ claims: { details: details({ trailingBytes: 3, trailingZero: true }) } })).to.deep.equal([]);
    expect(against({ claims: { simulated: true }, policy: { allowSimulated: true } })).to.deep.equal([]);
  });

  it("lists every failure, not the first alone", () => {
    expect(
      against({ claims: { debug: true, simulated: true, tcb: tcb({ status: "Revoked" }) } }).map(([id]) => id),
    ).to.deep.equal(["trust-root", "debug", "tcb-status"]);
  });
});

const SGX: Claims = {
  ...TDX,
  platform: "intel-sgx",
  measurements: { mrenclave: "e1".repeat(32), mrsigner: "e2".repeat(32) },
  details: { isvprodid: 7, isvsvn: 3, configsvn: 0, attributes: `07${"00".repeat(15)}`, miscselect: "00000000" },
  platformId: "99".repeat(32),
  endorsedAt: NOW - 100_000,
};
const { tcb: _evaluated, ...WITHOUT_TCB } = TDX;
const SNP: Claims = {
  ...WITHOUT_TCB,
  platform: "amd-sev-snp",
  measurements: {
    measurement: "3e".repeat(48),
    hostData: "00".repeat(32),
    idKeyDigest: "1d".repeat(48),
    authorKeyDigest: "a0".repeat(48),
  },
  details: {
    product: "Milan",
    policy: "0x30000",
    vmpl: 0,
    guestSvn: 2,
    familyId: "fa".repeat(16),
    imageId: "1a".repeat(16),
    reportedTcbBl: 4,
    reportedTcbTee: 0,
    reportedTcbSnp: 24,
    reportedTcbUcode: 219,
    migrationAgentAllowed: false,
  },
};
const TURIN: Claims = { ...SNP, details: { ...SNP.details, product: "Turin", reportedTcbFmc: 1 } };
const NITRO: Claims = {
  ...WITHOUT_TCB,
  platform: "aws-nitro",
  measurements: { pcr0: "01".repeat(48), pcr3: "03".repeat(48), pcr8: "00".repeat(48) },
  details: { timestamp: NOW - 60_000 },
};
const GPU: Claims = {
  ...WITHOUT_TCB,
  platform: "nvidia-gpu",
  measurements: { measurement1: "00".repeat(48), measurement2: "02".repeat(48) },
  details: { driverVersion: "590.12", vbiosVersion: "96.00.A5.00.01" },
};

/** A claim of each kind of evidence with an expectation that it meets and some that it does not. */
const CLAIMS: readonly (readonly [Claims, string, unknown, readonly unknown[]])[] = [
  [SGX, "mrenclave", "e1".repeat(32), ["e2".repeat(32), ["00".repeat(32), "11".repeat(32)]]],
  [SGX, "mrsigner", ["00".repeat(32), "e2".repeat(32)], ["e1".repeat(32)]],
  [SGX, "isvprodid", 7, [6, 8, [1, 2]]],
  [SGX, "isvsvn", { minimum: 3 }, [{ minimum: 4 }, 2]],
  [SGX, "configsvn", [0, 1], [1]],
  [SGX, "attributes", mask16("02", "02"), [mask16("ff", "05"), mask16("01", "00"), `05${"00".repeat(15)}`]],
  [SGX, "miscselect", { mask: "ffffffff", value: "00000000" }, [{ mask: "01000000", value: "01000000" }]],
  [SGX, "configid", undefined, ["00".repeat(64)]],
  [TDX, "mrtd", "ab".repeat(48), ["cd".repeat(48)]],
  [
    TDX,
    "rtmr0",
    { mask: "ff".repeat(48), value: "cd".repeat(48) },
    [{ mask: "ff".repeat(48), value: "ce".repeat(48) }],
  ],
  [TDX, "mrseam", undefined, ["00".repeat(48)]],
  [
    TDX,
    "tdAttributes",
    { mask: "ff00000000000000", value: "0000000000000000" },
    [{ mask: "0000001000000000", value: "0000000000000000" }],
  ],
  [TDX, "xfam", "e702060000000000", ["e702060000000001", { mask: "ff00000000000000", value: "0300000000000000" }]],
  [SNP, "measurement", "3e".repeat(48), ["3f".repeat(48)]],
  [SNP, "hostData", "00".repeat(32), ["01".repeat(32)]],
  [SNP, "idKeyDigest", ["1d".repeat(48)], ["00".repeat(48)]],
  [SNP, "authorKeyDigest", "a0".repeat(48), ["00".repeat(48)]],
  [SNP, "familyId", "fa".repeat(16), ["fb".repeat(16)]],
  [SNP, "imageId", "1a".repeat(16), ["1b".repeat(16)]],
  [
    SNP,
    "guestPolicy",
    { mask: "0000000000090000", value: "0000000000010000" },
    ["0000000000020000", { mask: "0000000000010000", value: "0000000000000000" }],
  ],
  [SNP, "guestSvn", { minimum: 2 }, [{ minimum: 3 }]],
  [SNP, "vmpl", 0, [1, [2, 3]]],
  [NITRO, "pcr0", "01".repeat(48), ["02".repeat(48), "01".repeat(32)]],
  [
    NITRO,
    "pcr3",
    { mask: `ff${"00".repeat(47)}`, value: `03${"00".repeat(47)}` },
    [{ mask: "ff".repeat(32), value: "03".repeat(32) }],
  ],
  [NITRO, "pcr15", undefined, ["00".repeat(48)]],
  [GPU, "measurement2", "02".repeat(48), ["03".repeat(48)]],
  [GPU, "driverVersion", "590.12", ["590.1", ["590.13"]]],
  [GPU, "vbiosVersion", ["96.00.A5.00.01"], ["96.00.a5.00.01"]],
];

function mask16(mask: string, value: string): unknown {
  return { mask: `${mask}${"00".repeat(15)}`, value: `${value}${"00".repeat(15)}` };
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

describe("appraise, by claims", () => {
  for (const [claims, name, met, unmet] of CLAIMS) {
    const found = (expected: unknown): readonly Failure[] =>
      failures(claims, parsePolicy({ claims: { [claims.platform]: { [name]: expected } } }));

    it(`holds ${name} of ${claims.platform} against what is expected`, () => {
      if (met !== undefined) expect(found(met)).to.deep.equal([]);
      for (const expected of unmet) {
        expect(found(expected).map(({ id, code, tier }) => [id, code, tier])).to.deep.equal([
          [`claim-${kebab(name)}`, "POLICY", "contraindicated"],
        ]);
      }
    });

    it(`knows a workload by ${name} of ${claims.platform}`, () => {
      const ids = (expected: unknown): readonly string[] =>
        failures(claims, parsePolicy({ measurements: [{ [name]: expected }] })).map(({ id }) => id);
      if (met !== undefined) expect(ids(met)).to.deep.equal([]);
      for (const expected of unmet) expect(ids(expected)).to.deep.equal(["workload"]);
    });
  }

  it("asks nothing of other platforms", () => {
    const policy = parsePolicy({ claims: { "intel-sgx": { isvsvn: { minimum: 9 } } } });
    expect(failures(TDX, policy)).to.deep.equal([]);
    expect(failures(SGX, policy).map(({ id }) => id)).to.deep.equal(["claim-isvsvn"]);
  });

  it("knows a signer's product from a version on", () => {
    const known = (isvsvn: number, isvprodid: number): readonly string[] => {
      const set = { mrsigner: "e2".repeat(32), isvprodid, isvsvn: { minimum: isvsvn } };
      return failures(SGX, parsePolicy({ measurements: [set] })).map(({ id }) => id);
    };
    expect([known(3, 7), known(4, 7), known(3, 8)]).to.deep.equal([[], ["workload"], ["workload"]]);
  });

  it("knows nodes and devices apart", () => {
    const node = parsePolicy({ measurements: [{ mrtd: "00".repeat(48) }], workloadIds: ["00".repeat(32)] });
    expect(failures(GPU, node)).to.deep.equal([]);
    expect(failures(TDX, node).map(({ id }) => id)).to.deep.equal(["workload"]);
    const device = parsePolicy({ measurements: [{ driverVersion: "1" }] });
    expect(failures(TDX, device)).to.deep.equal([]);
    expect(failures(GPU, device).map(({ id }) => id)).to.deep.equal(["workload"]);
    expect(
      failures(GPU, parsePolicy({ measurements: [{ driverVersion: "1" }], workloadIds: [GPU.workloadId] })),
    ).to.have.length(1);
  });

  it("never accepts debug mode by a mask, nor by a value that asks for it", () => {
    for (const expected of [mask16("00", "00"), mask16("02", "02")]) {
      const policy = parsePolicy({ claims: { "intel-sgx": { attributes: expected } } });
      expect(failures({ ...SGX, debug: true }, policy).map(({ id, tier }) => [id, tier])).to.deep.equal([
        ["debug", "contraindicated"],
      ]);
    }
  });
});

describe("appraise, by what it is asked", () => {
  const table: readonly [
    string,
    Claims,
    Partial<AppraisalPolicy>,
    readonly (readonly [string, string, Tier])[],
    number?,
  ][] = [
    ["a root by its name", SGX, { roots: ["Intel SGX Root CA"] }, []],
    ["a root by its key", SGX, { roots: ["other", `0x${"A0".repeat(32)}`] }, []],
    ["another root", SGX, { roots: ["a0".repeat(31)] }, [["accepted-root", "POLICY", "contraindicated"]]],
    ["a denied platform", SGX, deny({ platforms: ["intel-sgx"] }), [["deny-list", "POLICY", "contraindicated"]]],
    ["another denied platform", SGX, deny({ platforms: ["intel-tdx"] }), []],
    [
      "a denied platform id",
      SGX,
      deny({ platformIds: ["99".repeat(32)] }),
      [["deny-list", "POLICY", "contraindicated"]],
    ],
    ["another denied platform id", SGX, deny({ platformIds: ["98".repeat(32)] }), []],
    ["a hidden platform id", TDX, deny({ platformIds: ["98".repeat(32)] }), [["deny-list", "NOT_CHECKED", "none"]]],
    ["a denied workload", TDX, deny({ workloadIds: ["11".repeat(32)] }), [["deny-list", "POLICY", "contraindicated"]]],
    [
      "a denied workload that is known otherwise",
      TDX,
      { workloadIds: [TDX.workloadId], ...deny({ workloadIds: [TDX.workloadId] }) },
      [["deny-list", "POLICY", "contraindicated"]],
    ],
    ["evidence of unknown age", TDX, { maximumEvidenceAge: 60 }, [["evidence-age", "NOT_CHECKED", "none"]]],
    ["evidence that is as old as it may be", TDX, { maximumEvidenceAge: 60 }, [], 60],
    [
      "evidence that is too old",
      TDX,
      { maximumEvidenceAge: 60 },
      [["evidence-age", "EVIDENCE_STALE", "contraindicated"]],
      60.001,
    ],
    [
      "evidence from the future",
      TDX,
      { maximumEvidenceAge: 60 },
      [["evidence-age", "EVIDENCE_STALE", "contraindicated"]],
      -0.001,
    ],
    ["a document's own time", NITRO, { maximumEvidenceAge: 60 }, []],
    [
      "a document that is too old",
      NITRO,
      { maximumEvidenceAge: 59 },
      [["evidence-age", "EVIDENCE_STALE", "contraindicated"]],
    ],
    ["the caller's word about a document", NITRO, { maximumEvidenceAge: 59 }, [], 1],
    ["endorsements that are as old as they may be", SGX, { maximumEndorsementAge: 100 }, []],
    [
      "endorsements that are too old",
      SGX,
      { maximumEndorsementAge: 99 },
      [["endorsement-age", "ENDORSEMENT_EXPIRED", "none"]],
    ],
    [
      "endorsements without any statement",
      SNP,
      { maximumEndorsementAge: 99 },
      [["endorsement-age", "NOT_CHECKED", "none"]],
    ],
    ["evidence that needs no endorsements", NITRO, { maximumEndorsementAge: 0 }, []],
    ["advisories that are accepted", TDX, { acceptedAdvisories: ["INTEL-SA-00001"] }, []],
    ["advisories that are not", TDX, { acceptedAdvisories: [] }, [["advisories", "POLICY", "contraindicated"]]],
    [
      "advisories that nobody evaluated",
      { ...WITHOUT_TCB },
      { acceptedAdvisories: [] },
      [["advisories", "NOT_CHECKED", "none"]],
    ],
    [
      "denied advisories that nobody evaluated",
      { ...WITHOUT_TCB },
      deny({ advisories: ["INTEL-SA-1"] }),
      [["advisories", "NOT_CHECKED", "none"]],
    ],
    ["advisories of a vendor that names none", SNP, { acceptedAdvisories: [] }, []],
    [
      "an evaluation that nobody made",
      SNP,
      { minimumEvaluationNumber: 1 },
      [["tcb-evaluation", "NOT_CHECKED", "none"]],
    ],
    ["a TCB at the floor", SNP, { minimumSevSnpTcb: { bootloader: 4, tee: 0, snp: 24, microcode: 219 } }, []],
    [
      "a bootloader below the floor",
      SNP,
      { minimumSevSnpTcb: { bootloader: 5 } },
      [["minimum-tcb", "POLICY", "contraindicated"]],
    ],
    ["a TEE below the floor", SNP, { minimumSevSnpTcb: { tee: 1 } }, [["minimum-tcb", "POLICY", "contraindicated"]]],
    [
      "SNP firmware below the floor",
      SNP,
      { minimumSevSnpTcb: { snp: 25 } },
      [["minimum-tcb", "POLICY", "contraindicated"]],
    ],
    [
      "microcode below the floor",
      SNP,
      { minimumSevSnpTcb: { microcode: 220 } },
      [["minimum-tcb", "POLICY", "contraindicated"]],
    ],
    ["an FMC below the floor", TURIN, { minimumSevSnpTcb: { fmc: 2 } }, [["minimum-tcb", "POLICY", "contraindicated"]]],
    ["an FMC at the floor", TURIN, { minimumSevSnpTcb: { fmc: 1 } }, []],
    ["an FMC where there is none", SNP, { minimumSevSnpTcb: { fmc: 2 } }, []],
    [
      "a TCB that the report does not say",
      { ...SNP, details: { product: "Milan" } },
      { minimumSevSnpTcb: { snp: 0 } },
      [["minimum-tcb", "POLICY", "contraindicated"]],
    ],
    ["the floor of another vendor", TDX, { minimumSevSnpTcb: { snp: 255 } }, []],
    [
      "a migration agent",
      { ...SNP, details: { ...SNP.details, migrationAgentAllowed: true } },
      { allowServiceTd: false },
      [["migration-agent", "POLICY", "contraindicated"]],
    ],
  ];
  for (const [what, claims, policy, expected, made] of table) {
    it(`judges ${what}`, () => {
      const found = failures(claims, { ...DEFAULT_POLICY, ...policy }, made === undefined ? {} : { made });
      expect(found.map(({ id, code, tier }) => [id, code, tier])).to.deep.equal(expected);
    });
  }
});

describe("appraise, in layers", () => {
  const layered = (vendor: object, protocol: object, community: object): Policy =>
    combinePolicies([
      { layer: "vendor", policy: parsePolicy(vendor) },
      { layer: "protocol", policy: parsePolicy(protocol) },
      { layer: "community", policy: parsePolicy(community) },
    ]);
  const found = (policy: Policy): readonly unknown[] =>
    failures(TDX, policy).map(({ id, layer, tier }) => [id, layer, tier]);

  it("accepts what all accept", () =>
    expect(found(layered({}, { workloadIds: [TDX.workloadId] }, {}))).to.deep.equal([]));

  it("refuses what one refuses, and says which", () => {
    expect(found(layered({ tcbStatuses: [] }, {}, {}))).to.deep.equal([["tcb-status", "vendor", "contraindicated"]]);
    expect(found(layered({}, { workloadIds: ["00".repeat(32)] }, {}))).to.deep.equal([
      ["workload", "protocol", "contraindicated"],
    ]);
  });

  it("lets a deny list override what the others accept", () => {
    const policy = layered({}, { workloadIds: [TDX.workloadId] }, { deny: { workloadIds: [TDX.workloadId] } });
    expect(found(policy)).to.deep.equal([["deny-list", "community", "contraindicated"]]);
  });

  it("lists what each refuses for itself, and once what all refuse alike", () => {
    const simulated = { ...TDX, simulated: true };
    const policy = layered({ platforms: ["intel-sgx"] }, { platforms: ["aws-nitro"] }, {});
    expect(failures(simulated, policy).map(({ id, layer }) => [id, layer])).to.deep.equal([
      ["trust-root", undefined],
      ["platform", "vendor"],
      ["platform", "protocol"],
    ]);
  });

  it("names each check once where the layers agree, and leaves out who does not ask", () => {
    const { policy, checks } = {
      policy: layered({}, { workloadIds: [TDX.workloadId] }, { claims: { "intel-tdx": { mrtd: "ab".repeat(48) } } }),
      checks: (rulings: ReturnType<typeof appraise>): readonly unknown[] =>
        rulings
          .map(({ check }) => check)
          .filter(({ id }) => ["workload", "claim-mrtd", "platform"].includes(id))
          .map(({ id, layer, outcome }) => [id, layer, outcome]),
    };
    const rulings = appraise(TDX, { policy, now: NOW, expectedReportData: undefined, evidenceTime: undefined });
    expect(checks(rulings)).to.deep.equal([
      ["platform", undefined, "pass"],
      ["workload", "protocol", "pass"],
      ["claim-mrtd", "community", "pass"],
    ]);
  });
});

describe("appraise, of a stricter policy", () => {
  const RANKS = ["contraindicated", "none", "warning", "affirming"];
  const rank = (claims: Claims, policy: Policy): number =>
    RANKS.indexOf(verdictOf(failures(claims, policy, { made: 60 }), claims));
  const EVIDENCE = [
    TDX,
    SGX,
    SNP,
    TURIN,
    NITRO,
    GPU,
    { ...TDX, simulated: true },
    { ...SGX, debug: true },
    WITHOUT_TCB,
  ];
  const policies = policyDocuments.map((document) => parsePolicy(document));
  const evidence = fc.constantFrom(...EVIDENCE);

  it("gives no better verdict where every change is called stricter", () => {
    fc.assert(
      fc.property(policies, policies, evidence, (before, after, claims) => {
        // Members of one policy put into another one at a time, so that many pairs differ in few of them.
        const names = Object.keys(after) as (keyof AppraisalPolicy)[];
        for (const name of names) {
          const mixed = { ...before, [name]: after[name] };
          const changes = diffPolicies(before, mixed).map(({ change }) => change);
          if (changes.every((change) => change === "stricter"))
            expect(rank(claims, mixed)).to.be.at.most(rank(claims, before));
          if (changes.every((change) => change === "looser"))
            expect(rank(claims, mixed)).to.be.at.least(rank(claims, before));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("gives no better verdict where a layer is added", () => {
    fc.assert(
      fc.property(policies, policies, evidence, (vendor, community, claims) => {
        const both = combinePolicies([
          { layer: "vendor", policy: vendor },
          { layer: "community", policy: community },
        ]);
        expect(rank(claims, both)).to.equal(Math.min(rank(claims, vendor), rank(claims, community)));
      }),
      { numRuns: 200 },
    );
  });

  it("is what a document in layers says as well", () => {
    const document = { layers: { vendor: {}, community: { deny: { platforms: ["intel-tdx"] } } } };
    expect(rank(TDX, parsePolicyDocument(document))).to.equal(0);
    expect(rank(SGX, parsePolicyDocument(document))).to.equal(3);
  });
});
