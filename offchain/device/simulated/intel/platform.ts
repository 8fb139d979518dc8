import { createPublicKey } from "node:crypto";
import { randomBytes } from "#crypto";
import { toHex } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { issueCertificate, toPem } from "../../../x509/issue.ts";
import { deriveScalar, privateKeyOf, serialOf } from "./keys.ts";
import type { PlatformFile, SimulatedTee } from "./platform-file.ts";
import { sgxExtension } from "./sgx-extension.ts";
import { bytesOf } from "../state.ts";
import { moduleSvn, PCE_SVN, platformSvn, sgxComponents, TDX_MODULE_VERSION, tdxComponents } from "./tcb.ts";
import type { ModuleTcb, SimulatedTcb } from "./tcb.ts";
import { distinguishedName, pckCrlUrl, standardExtensions, vendorAuthority } from "./vendor.ts";
import type { PckCa, SimulatedVendor } from "./vendor.ts";

export interface PlatformOptions {
  readonly tee: SimulatedTee;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The same name under the same vendor is the same machine; a new one where not given. */
  readonly name?: string;
  /** `processor` for SGX and `platform` for TDX where not given. */
  readonly ca?: PckCa;
  /** `UpToDate` where not given, as for the two below. */
  readonly tcb?: SimulatedTcb;
  readonly quotingEnclave?: ModuleTcb;
  readonly tdxModule?: ModuleTcb;
  /** The PCK certificate's end; seven years after `now` where not given. */
  readonly notAfter?: number;
}

/** The family, model and stepping of every simulated machine, 6 bytes. */
export const SIMULATED_FMSPC: Hex = "0x51ad00000001";
/** 2 bytes. */
export const PCE_ID: Hex = "0x0000";

const DAY = 86_400_000;

/** Makes a machine and has the vendor certify its PCK. */
export function provisionPlatform(vendor: SimulatedVendor, options: PlatformOptions): PlatformFile {
  const name = options.name ?? toHex(randomBytes(16));
  const ca = options.ca ?? (options.tee === "intel-sgx" ? "processor" : "platform");
  const svn = platformSvn(options.tcb ?? "UpToDate");
  const components = sgxComponents(svn);
  const module = { svn: moduleSvn(options.tdxModule ?? "UpToDate"), version: TDX_MODULE_VERSION };
  const pckKey = deriveScalar(vendor.seed, `pck/${name}`);
  const ppid = identityOf(vendor, `ppid/${name}`);
  const machine = { ca, ppid, components, platformInstanceId: identityOf(vendor, `instance/${name}`) };
  const { serial, certificate } = certifyPck(vendor, pckKey, machine, options);
  const chain = [certificate, bytesOf(vendor.certificates[ca]), bytesOf(vendor.certificates.root)];
  return {
    simulated: true,
    vendor: vendor.vendor,
    tee: options.tee,
    ca,
    ppid: toHex(ppid),
    fmspc: SIMULATED_FMSPC,
    cpuSvn: toHex(Uint8Array.from(components)),
    pceSvn: PCE_SVN,
    teeTcbSvn: toHex(Uint8Array.from(tdxComponents(svn, module))),
    qeIsvSvn: moduleSvn(options.quotingEnclave ?? "UpToDate"),
    pckSerial: toHex(serial),
    pckChain: chain.map((der) => toPem("CERTIFICATE", der)).join(""),
    pckKey,
    attestationKey: deriveScalar(vendor.seed, `attestation/${name}`),
  };
}

function certifyPck(
  vendor: SimulatedVendor,
  pckKey: Hex,
  machine: Pick<Parameters<typeof sgxExtension>[0], "ca" | "ppid" | "components" | "platformInstanceId">,
  options: PlatformOptions,
): { serial: Uint8Array; certificate: Uint8Array } {
  const privateKey = privateKeyOf(pckKey);
  const serial = serialOf(privateKey, `pck/${machine.ca}/${machine.components.join(".")}/${options.now}`);
  const notAfter = options.notAfter ?? options.now + 7 * 365 * DAY;
  const publicKey = createPublicKey(privateKey);
  const issuer = vendorAuthority(vendor, machine.ca);
  const certificate = issueCertificate(
    {
      serial,
      subject: distinguishedName("SIMULATED Intel SGX PCK Certificate"),
      publicKey,
      notBefore: Math.min(options.now, notAfter) - DAY,
      notAfter,
      extensions: [
        ...standardExtensions({ role: "leaf", publicKey, issuer, crlUrl: pckCrlUrl(machine.ca) }),
        sgxExtension({ ...machine, pceSvn: PCE_SVN, pceId: bytesOf(PCE_ID), fmspc: bytesOf(SIMULATED_FMSPC) }),
      ],
    },
    issuer,
  );
  return { serial, certificate };
}

/** 16 bytes that stay the same for a machine's name under a vendor's seed. */
function identityOf(vendor: SimulatedVendor, label: string): Uint8Array {
  return bytesOf(deriveScalar(vendor.seed, label)).slice(0, 16);
}
