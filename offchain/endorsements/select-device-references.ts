import type { NvidiaEndorsements } from "../evidence/nvidia/endorsements.ts";
import { OPAQUE, textOf, vbiosVersionOf } from "../evidence/nvidia/opaque.ts";
import type { DeviceReport } from "../evidence/nvidia/report.ts";
import { parseRim } from "../evidence/nvidia/rim.ts";
import { parseOcspResponse } from "../x509/ocsp-response.ts";
import { unlessCoded } from "./classify.ts";

/** First octets of an XML document, maybe after a byte order mark, and of DER. */
const XML_STARTS: readonly (readonly number[])[] = [[0x3c], [0xef, 0xbb, 0xbf, 0x3c]];
const DER_START = 0x30;

/**
 * The reference manifests among files that are of what a device's report says it runs, and every OCSP answer, whomever it is about.
 * Nothing is verified: a wrong choice fails later.
 */
export function selectDeviceReferences(
  files: readonly Uint8Array[],
  { opaque }: DeviceReport,
): Omit<NvidiaEndorsements, "certChain"> {
  const versions = files.filter(isXml).flatMap((bytes) => {
    const rim = unlessCoded(() => parseRim(bytes));
    return rim === undefined ? [] : [{ bytes, version: rim.version.toUpperCase() }];
  });
  const of = (version: string | undefined): Uint8Array | undefined =>
    versions.find((rim) => rim.version === version?.toUpperCase())?.bytes;
  const driverRim = of(textOf(opaque.get(OPAQUE.driverVersion)));
  const vbiosRim = of(vbiosVersionOf(opaque.get(OPAQUE.vbiosVersion)));
  const ocspResponses = files.filter(
    (bytes) => bytes[0] === DER_START && unlessCoded(() => parseOcspResponse(bytes)) !== undefined,
  );
  return {
    ...(driverRim && { driverRim }),
    ...(vbiosRim && { vbiosRim }),
    ...(ocspResponses.length > 0 && { ocspResponses }),
  };
}

function isXml(bytes: Uint8Array): boolean {
  return XML_STARTS.some((start) => start.every((octet, index) => bytes[index] === octet));
}
