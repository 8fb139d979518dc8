/** Answers as NVIDIA's RIM service and OCSP responder do, out of a simulated vendor; whoever mounts it brings the server. */
import { sha256 } from "#crypto";
import { toBase64 } from "../../../encoding/base64.ts";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import { DRIVER_VERSIONS, NVIDIA_PRODUCTS, rimId, VBIOS_VERSIONS } from "./firmware.ts";
import type { NvidiaComponent, NvidiaKind } from "./firmware.ts";
import { answerOcsp } from "./ocsp.ts";
import type { OcspDefects } from "./ocsp.ts";
import { issueRim } from "./rim.ts";
import type { RimDefects, RimSubject } from "./rim.ts";
import type { NvidiaVendor } from "./vendor.ts";

export interface NvidiaRequest {
  readonly method: string;
  /** Begins with a slash and has no query. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

export interface NvidiaAnswer {
  readonly status: 200 | 404 | 405 | 415;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type NvidiaHandler = (request: NvidiaRequest) => NvidiaAnswer;

export interface NvidiaServiceOptions {
  /** Asked at every request, so that a revocation shows at once. */
  readonly vendor: () => NvidiaVendor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly defects?: () => { readonly rim?: RimDefects; readonly ocsp?: OcspDefects };
}

const RIM_PATH = /^\/v1\/rim\/([\w.-]{1,128})$/;
const OCSP_REQUEST = "application/ocsp-request";
const SUBJECTS = new Map(
  subjects().map((subject) => [rimId(subject.kind, subject.component, subject.version), subject]),
);

/**
 * Makes the handler of both services: `GET /v1/rim/{id}` and `POST /`.
 * @see NVIDIA RIM service API, Get RIM by ID; RFC 6960 appendix A
 */
export function createNvidiaHandler(options: NvidiaServiceOptions): NvidiaHandler {
  const manifest = manifestSource(options);
  return ({ method, path, contentType, body }) => {
    const [, id] = RIM_PATH.exec(path) ?? [];
    if (id !== undefined) return method === "GET" ? rimAnswer(id, manifest(id), options.vendor()) : refusal(405);
    if (path !== "/") return refusal(404);
    if (method !== "POST") return refusal(405);
    if (contentType !== OCSP_REQUEST) return refusal(415);
    const defects = options.defects?.().ocsp ?? {};
    const answer = answerOcsp(options.vendor(), body, { now: options.now(), defects });
    return { status: 200, headers: { "content-type": "application/ocsp-response" }, body: answer };
  };
}

/** Manifests by id; each is signed once, as a published file is. */
function manifestSource(options: NvidiaServiceOptions): (id: string) => Uint8Array | undefined {
  const issued = new Map<string, Uint8Array>();
  return (id) => {
    const subject = SUBJECTS.get(id);
    if (subject === undefined) return undefined;
    const [vendor, defects] = [options.vendor(), options.defects?.().rim ?? {}];
    const key = JSON.stringify([id, vendor.seed, defects]);
    const manifest = issued.get(key) ?? issueRim(vendor, subject, defects);
    issued.set(key, manifest);
    return manifest;
  };
}

function rimAnswer(id: string, manifest: Uint8Array | undefined, vendor: NvidiaVendor): NvidiaAnswer {
  if (manifest === undefined) return refusal(404);
  const document = {
    id,
    rim: toBase64(manifest),
    sha256: toHex(sha256(manifest)).slice(2),
    last_updated: new Date(vendor.createdAt).toISOString().replace("Z", "000"),
    rim_format: "TCG",
    request_id: "00000000-0000-0000-0000-000000000000",
  };
  return { status: 200, headers: { "content-type": "application/json" }, body: utf8(JSON.stringify(document)) };
}

/** Every version of every component that a product has. */
function subjects(): readonly RimSubject[] {
  const versions = { driver: DRIVER_VERSIONS, vbios: VBIOS_VERSIONS };
  return (Object.keys(NVIDIA_PRODUCTS) as NvidiaKind[]).flatMap((kind) =>
    (Object.keys(versions) as NvidiaComponent[])
      .filter((component) => NVIDIA_PRODUCTS[kind].measured[component].length > 0)
      .flatMap((component) => versions[component].map((version) => ({ kind, component, version }))),
  );
}

function refusal(status: 404 | 405 | 415): NvidiaAnswer {
  return { status, headers: {}, body: new Uint8Array(0) };
}
