/** Where vendors' endorsements are asked for. */
import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";

/** Base URLs of the services, without a slash at the end. */
export interface EndorsementServices {
  /** Intel's provisioning certification service, version 4, or a PCCS. */
  readonly pcs: string;
  /** AMD's key distribution service. */
  readonly kds: string;
  readonly nvidiaRim: string;
  readonly nvidiaOcsp: string;
  readonly nvidiaNras: string;
}

/** The vendors' own services. */
export const VENDOR_SERVICES: EndorsementServices = {
  pcs: "https://api.trustedservices.intel.com",
  kds: "https://kdsintf.amd.com",
  nvidiaRim: "https://rim.attestation.nvidia.com",
  nvidiaOcsp: "https://ocsp.ndis.nvidia.com",
  nvidiaNras: "https://nras.attestation.nvidia.com",
};

/** Intel's own service hands out the root's CRL on another host. */
export const INTEL_ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

const NAMES = ["pcs", "kds", "nvidiaRim", "nvidiaOcsp", "nvidiaNras"] as const;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads base URLs by name from a JSON value, with the vendors' own where one is not given.
 * Throws `ConfigError` `CONFIG_INVALID`, naming the member.
 */
export function parseServices(json: unknown, where: string): EndorsementServices {
  const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);
  const fields = new JsonFields(json, where, invalid);
  const unknown = fields.names().find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalid(`${where} has no ${unknown}`);
  const given = NAMES.filter((name) => fields.has(name)).map((name) => {
    const base = baseUrlOf(fields.text(name));
    if (base === undefined) throw invalid(`${where}.${name} is no https URL, nor an http one of this machine itself`);
    return [name, base] as const;
  });
  return { ...VENDOR_SERVICES, ...Object.fromEntries(given) };
}

/** Says whether a URL is one of the services' own, the only ones that are ever asked. */
export function isServiceUrl(url: string, services: EndorsementServices): boolean {
  if (!URL.canParse(url)) return false;
  if (url === INTEL_ROOT_CRL) return isIntels(services.pcs);
  const { origin, pathname } = new URL(url);
  return NAMES.map((name) => new URL(services[name])).some(
    (base) => base.origin === origin && `${pathname}/`.startsWith(`${base.pathname.replace(/\/+$/, "")}/`),
  );
}

/** Says whether a base URL is that of Intel's own service. */
export function isIntels(pcs: string): boolean {
  return new URL(pcs).origin === VENDOR_SERVICES.pcs;
}

/** The URL without a slash at its end; undefined where it could be listened to or changed on its way, or names more than a place. */
function baseUrlOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const secure = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  const plain = [username, password, search, hash].every((part) => part === "");
  return secure && plain ? text.replace(/\/+$/, "") : undefined;
}
