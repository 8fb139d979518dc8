/** Answers as NVIDIA's RIM service, OCSP responder and remote attestation service do, out of a simulated vendor; whoever mounts it brings the server. */
import { sha256 } from "#crypto";
import { parseBase64, toBase64 } from "../../../encoding/base64.ts";
import { toHex, utf8 } from "../../../encoding/bytes.ts";
import { JsonFields } from "../../../encoding/fields.ts";
import { parseJson } from "../../../encoding/members.ts";
import { RequestError } from "../../../errors.ts";
import { NVIDIA_PRODUCTS, PUBLISHED_VERSIONS, rimId } from "./firmware.ts";
import type { NvidiaComponent, NvidiaKind } from "./firmware.ts";
import { attestGpus, nrasKeySet } from "./nras.ts";
import type { NrasDefects, NrasRequest } from "./nras.ts";
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
  readonly status: 200 | 400 | 404 | 405 | 415;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type NvidiaHandler = (request: NvidiaRequest) => Promise<NvidiaAnswer>;

export interface NvidiaServiceOptions {
  /** Asked at every request, so that a revocation shows at once. */
  readonly vendor: () => NvidiaVendor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly defects?: () => { readonly rim?: RimDefects; readonly ocsp?: OcspDefects; readonly nras?: NrasDefects };
}

const RIM_PATH = /^\/v1\/rim\/([\w.-]{1,128})$/;
const OCSP = "/";
const JWKS = "/.well-known/jwks.json";
const ATTEST_GPU = "/v3/attest/gpu";
const METHODS: Readonly<Record<string, string>> = { [OCSP]: "POST", [JWKS]: "GET", [ATTEST_GPU]: "POST" };
const MEDIA: Readonly<Record<string, string>> = {
  [OCSP]: "application/ocsp-request",
  [ATTEST_GPU]: "application/json",
};
const NONCE_LENGTH = 32;
const SUBJECTS = new Map(
  subjects().map((subject) => [rimId(subject.kind, subject.component, subject.version), subject]),
);

/**
 * Makes the handler of the services: `GET /v1/rim/{id}`; `POST /` of OCSP; `GET /.well-known/jwks.json` and `POST /v3/attest/gpu`.
 * @see NVIDIA RIM service API, Get RIM by ID; RFC 6960 appendix A; NVIDIA Remote Attestation Service API, Attest GPU V3
 */
export function createNvidiaHandler(options: NvidiaServiceOptions): NvidiaHandler {
  const manifest = manifestSource(options);
  const status = (body: Uint8Array): NvidiaAnswer => {
    const answer = answerOcsp(options.vendor(), body, { now: options.now(), defects: options.defects?.().ocsp ?? {} });
    return document("application/ocsp-response", answer);
  };
  return async ({ method, path, contentType, body }) => {
    const [, id] = RIM_PATH.exec(path) ?? [];
    const wanted = id === undefined ? METHODS[path] : "GET";
    if (wanted === undefined) return refusal(404);
    if (method !== wanted) return refusal(405);
    if (id !== undefined) return rimAnswer(id, manifest(id), options.vendor());
    if (path === JWKS) return document("application/json", nrasKeySet(options.vendor()));
    if (contentType !== MEDIA[path]) return refusal(415);
    return path === ATTEST_GPU ? attested(body, options) : status(body);
  };
}

/** @see NVIDIA Remote Attestation Service API, Attest GPU V3: the token of all devices, then each device's by its name */
async function attested(body: Uint8Array, options: NvidiaServiceOptions): Promise<NvidiaAnswer> {
  const request = nrasRequest(body);
  if (request === undefined) return refusal(400);
  const defects = options.defects?.().nras ?? {};
  const { token, devices } = await attestGpus(options.vendor(), request, { now: options.now(), defects });
  return document("application/json", utf8(JSON.stringify([["JWT", token], devices])));
}

function nrasRequest(body: Uint8Array): NrasRequest | undefined {
  const invalid = (message: string): RequestError => new RequestError("REQUEST_INVALID", message);
  try {
    const fields = new JsonFields(parseJson(body, "request", invalid), "request", invalid);
    const devices = fields.fieldsList("evidence_list").map((device) => {
      const [evidence, certChain] = ["evidence", "certificate"].map((name) => parseBase64(device.text(name)));
      if (evidence === undefined || certChain === undefined) throw invalid("a device is not base64");
      return { evidence, certChain };
    });
    if (fields.text("arch") !== "HOPPER") throw invalid("another architecture");
    return { nonce: fields.hex("nonce", { length: NONCE_LENGTH, prefix: false }), devices };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return undefined;
  }
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
  const json = {
    id,
    rim: toBase64(manifest),
    sha256: toHex(sha256(manifest)).slice(2),
    last_updated: new Date(vendor.createdAt).toISOString().replace("Z", "000"),
    rim_format: "TCG",
    request_id: "00000000-0000-0000-0000-000000000000",
  };
  return document("application/json", utf8(JSON.stringify(json)));
}

/** Every version of every component that a product has. */
function subjects(): readonly RimSubject[] {
  return (Object.keys(NVIDIA_PRODUCTS) as NvidiaKind[]).flatMap((kind) =>
    (Object.keys(PUBLISHED_VERSIONS) as NvidiaComponent[])
      .filter((component) => NVIDIA_PRODUCTS[kind].measured[component].length > 0)
      .flatMap((component) => PUBLISHED_VERSIONS[component].map((version) => ({ kind, component, version }))),
  );
}

function document(mediaType: string, body: Uint8Array): NvidiaAnswer {
  return { status: 200, headers: { "content-type": mediaType }, body };
}

function refusal(status: 400 | 404 | 405 | 415): NvidiaAnswer {
  return { status, headers: {}, body: new Uint8Array(0) };
}
