import { uintBytes } from "../../../encoding/bytes.ts";
import { element, integer, objectIdentifier } from "../../../x509/der-writer.ts";
import type { RawExtension } from "../../../x509/issue-extensions.ts";
import type { PckCa } from "./vendor.ts";

/** What Intel writes of a platform into its PCK certificate. */
export interface SgxExtension {
  readonly ca: PckCa;
  /** 16 bytes. */
  readonly ppid: Uint8Array;
  /** 16 component SVNs, each at most 255; they are the CPUSVN as well. */
  readonly components: readonly number[];
  readonly pceSvn: number;
  /** 2 bytes. */
  readonly pceId: Uint8Array;
  /** 6 bytes. */
  readonly fmspc: Uint8Array;
  /** 16 bytes; only platform certificates carry it. */
  readonly platformInstanceId: Uint8Array;
}

const SGX_EXTENSIONS = "1.2.840.113741.1.13.1";
const SCALABLE = 1;
const STANDARD = 0;
const TRUE = element("boolean", Uint8Array.of(0xff));

/**
 * The SGX extension of a PCK certificate.
 * @see Intel SGX PCK Certificate and CRL Profile Specification section 1.3.5
 */
export function sgxExtension(platform: SgxExtension): RawExtension {
  const scalable = platform.ca === "platform";
  const members = [
    member("1", element("octetString", platform.ppid)),
    member("2", tcb(platform)),
    member("3", element("octetString", platform.pceId)),
    member("4", element("octetString", platform.fmspc)),
    member("5", element("enumerated", Uint8Array.of(scalable ? SCALABLE : STANDARD))),
    ...(scalable
      ? [member("6", element("octetString", platform.platformInstanceId)), member("7", configuration())]
      : []),
  ];
  return { oid: SGX_EXTENSIONS, critical: false, value: element("sequence", ...members) };
}

function tcb(platform: SgxExtension): Uint8Array {
  const components = platform.components.map((svn, index) => member(`2.${index + 1}`, integer(svn)));
  const cpuSvn = element("octetString", ...platform.components.map((svn) => uintBytes(svn, 1)));
  return element("sequence", ...components, member("2.17", integer(platform.pceSvn)), member("2.18", cpuSvn));
}

/** Dynamic platform, cached keys and simultaneous multithreading, all true. */
function configuration(): Uint8Array {
  return element("sequence", member("7.1", TRUE), member("7.2", TRUE), member("7.3", TRUE));
}

function member(suffix: string, value: Uint8Array): Uint8Array {
  return element("sequence", objectIdentifier(`${SGX_EXTENSIONS}.${suffix}`), value);
}
