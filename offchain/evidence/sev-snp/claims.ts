import { keccak256 } from "#crypto";
import { toHex } from "../../encoding/bytes.ts";
import type { Claims, Verified } from "../scheme.ts";
import { TCB_PARTS, type TcbVersion } from "./product.ts";
import type { Report } from "./report.ts";
import type { SevSnpEvidence } from "./verify.ts";

type Details = Claims["details"];

/**
 * The facts of a verified report in the words of every family; AMD endorses no TCB status, so `tcb` is absent.
 * @see docs/protocol.md section 1 for the workload and platform ids
 */
export function sevSnpClaims(evidence: Verified<SevSnpEvidence>): Claims {
  const { report, chain, chipId, crl } = evidence;
  const ends = chain.certificates.map(({ notAfter }) => notAfter);
  return {
    platform: "amd-sev-snp",
    simulated: chain.root.simulated,
    root: { name: chain.root.name, spkiSha256: chain.root.spkiSha256 },
    measurements: {
      measurement: hex(report.measurement),
      hostData: hex(report.hostData),
      idKeyDigest: hex(report.idKeyDigest),
      authorKeyDigest: hex(report.authorKeyDigest),
    },
    workloadId: hex(keccak256(Uint8Array.of(3), report.measurement)),
    reportData: hex(report.reportData),
    debug: report.policy.debug,
    ...(chipId === undefined ? {} : { platformId: hex(keccak256(chipId)) }),
    evidenceHash: hex(keccak256(report.bytes)),
    validUntil: Math.min(...ends, ...(crl === undefined ? [] : [crl.nextUpdate])),
    ...(crl === undefined ? {} : { endorsedAt: crl.thisUpdate }),
    details: { ...reportDetails(report), ...vekDetails(evidence), ...tcbDetails(evidence) },
  };
}

function reportDetails(report: Report): Details {
  const { policy, cpuid, mitigations } = report;
  return {
    reportVersion: report.version,
    guestSvn: report.guestSvn,
    policy: `0x${policy.value.toString(16)}`,
    debugAllowed: policy.debug,
    migrationAgentAllowed: policy.migrateMa,
    smtAllowed: policy.smt,
    singleSocket: policy.singleSocket,
    vmpl: report.vmpl,
    signatureAlgo: report.signatureAlgo,
    signingKey: report.signingKey,
    authorKeyEn: Number(report.authorKeyEn),
    maskChipKey: Number(report.maskChipKey),
    familyId: hex(report.familyId),
    imageId: hex(report.imageId),
    reportId: hex(report.reportId),
    reportIdMa: hex(report.reportIdMa),
    chipId: hex(report.chipId),
    platformInfo: `0x${report.platformInfo.toString(16)}`,
    currentVersion: `${report.current.major}.${report.current.minor}.${report.current.build}`,
    committedVersion: `${report.committed.major}.${report.committed.minor}.${report.committed.build}`,
    ...(cpuid && { cpuidFamily: cpuid.family, cpuidModel: cpuid.model, cpuidStepping: cpuid.stepping }),
    ...(mitigations && {
      launchMitigations: `0x${mitigations.launch.toString(16)}`,
      currentMitigations: `0x${mitigations.current.toString(16)}`,
    }),
  };
}

function vekDetails({ report, vek }: SevSnpEvidence): Details {
  return {
    product: vek.product,
    vekType: report.signingKey,
    vekProduct: vek.productName,
    ...partsOf("vek", vek.tcb),
    ...(vek.hwid && { vekHwid: hex(vek.hwid) }),
    ...(vek.cspId !== undefined && { cspId: vek.cspId }),
  };
}

function tcbDetails({ report, tcbs }: SevSnpEvidence): Details {
  return {
    reportedTcbHex: hex(report.reportedTcb),
    currentTcbHex: hex(report.currentTcb),
    committedTcbHex: hex(report.committedTcb),
    launchTcbHex: hex(report.launchTcb),
    ...partsOf("reportedTcb", tcbs.reported),
    ...partsOf("currentTcb", tcbs.current),
    ...partsOf("committedTcb", tcbs.committed),
    ...partsOf("launchTcb", tcbs.launch),
  };
}

/** One detail for each part, such as `reportedTcbSnp`. */
function partsOf(name: string, tcb: TcbVersion): Details {
  return Object.fromEntries(
    TCB_PARTS.flatMap((part) => {
      const svn = tcb[part];
      return svn === undefined ? [] : [[`${name}${part.charAt(0).toUpperCase()}${part.slice(1)}`, svn] as const];
    }),
  );
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
