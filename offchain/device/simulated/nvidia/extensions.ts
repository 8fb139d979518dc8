/** The extensions of NVIDIA's certificates that other vendors' have not, each with its DER. */
import type { KeyObject } from "node:crypto";
import { utf8 } from "../../../encoding/bytes.ts";
import { element, integer, objectIdentifier } from "../../../x509/der-writer.ts";
import type { RawExtension } from "../../../x509/issue-extensions.ts";

const OID = {
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1",
  ocsp: "1.3.6.1.5.5.7.48.1",
  ocspNoCheck: "1.3.6.1.5.5.7.48.1.5",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
  dmtfDeviceInfo: "1.3.6.1.4.1.412.274.1",
  compositeDeviceId: "2.23.133.5.4.1",
  sha384: "2.16.840.1.101.3.4.2.2",
};

/** Where the issuer's OCSP responder is. @see RFC 5280 section 4.2.2.1 */
export function ocspAt(url: string): RawExtension {
  const uri = element({ context: 6, constructed: false }, utf8(url));
  const access = element("sequence", objectIdentifier(OID.ocsp), uri);
  return { oid: OID.authorityInfoAccess, critical: false, value: element("sequence", access) };
}

/** What makes a certificate one of a delegated OCSP responder. @see RFC 6960 section 4.2.2.2 */
export function ocspResponder(): RawExtension[] {
  return [
    { oid: OID.extendedKeyUsage, critical: false, value: element("sequence", objectIdentifier(OID.ocspSigning)) },
    { oid: OID.ocspNoCheck, critical: false, value: element("null") },
  ];
}

/** Vendor, product and serial number of a device. @see DMTF DSP0274, subject alternative name */
export function deviceName(text: string): RawExtension {
  const value = element({ context: 0, constructed: true }, element("utf8String", utf8(text)));
  const otherName = element({ context: 0, constructed: true }, objectIdentifier(OID.dmtfDeviceInfo), value);
  return { oid: OID.subjectAltName, critical: false, value: element("sequence", otherName) };
}

/** The device's boot key and the digest of the firmware that it started. @see RIoT, composite device id */
export function compositeDeviceId(bootKey: KeyObject, firmwareId: Uint8Array): RawExtension {
  const spki = new Uint8Array(bootKey.export({ type: "spki", format: "der" }));
  const digest = element("sequence", objectIdentifier(OID.sha384), element("octetString", firmwareId));
  return { oid: OID.compositeDeviceId, critical: false, value: element("sequence", integer(1), spki, digest) };
}
