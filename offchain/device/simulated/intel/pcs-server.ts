/** Answers as Intel's provisioning certification service does, out of a simulated vendor; whoever mounts it brings the server. */
import { utf8 } from "../../../encoding/bytes.ts";
import { issueCollateral } from "./collateral.ts";
import type { Collateral, CollateralDefects } from "./collateral.ts";
import type { SimulatedTee } from "./platform-file.ts";
import { SIMULATED_FMSPC } from "./platform.ts";
import { toPem } from "../../../x509/issue.ts";
import type { SimulatedVendor } from "./vendor.ts";

export interface PcsAnswer {
  readonly status: 200 | 400 | 404;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** `path` begins with a slash and has no query. */
export type PcsHandler = (path: string, query: URLSearchParams) => PcsAnswer;

export interface PcsOptions {
  /** Asked at every request, so that a revocation shows at once. */
  readonly vendor: () => SimulatedVendor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly defects?: () => CollateralDefects;
}

const REISSUE_AFTER = 3_600_000;
const ROUTE = /^\/(sgx|tdx)\/certification\/v4\/(tcb|qe\/identity|pckcrl|rootcacrl)$/;
const TEES: Readonly<Record<string, SimulatedTee>> = { sgx: "intel-sgx", tdx: "intel-tdx" };

/**
 * Makes the handler; documents are issued anew every hour and with every change of the vendor.
 * @see Intel SGX and TDX Provisioning Certification Service API v4; Intel PCCS design guide for `rootcacrl`
 */
export function createPcsHandler(options: PcsOptions): PcsHandler {
  const current = collateralSource(options);
  return (path, query) => {
    const [, tee = "", resource = ""] = ROUTE.exec(path) ?? [];
    const answerOf = RESOURCES[`${tee}/${resource}`] ?? RESOURCES[resource];
    return answerOf === undefined ? refusal(404) : answerOf(current(), query, TEES[tee] ?? "intel-sgx");
  };
}

type Resource = (collateral: Collateral, query: URLSearchParams, tee: SimulatedTee) => PcsAnswer;

const tcb: Resource = (collateral, query, tee) => {
  const fmspc = query.get("fmspc") ?? "";
  if (!/^[0-9a-f]{12}$/i.test(fmspc)) return refusal(400);
  if (`0x${fmspc.toLowerCase()}` !== SIMULATED_FMSPC) return refusal(404);
  return document(collateral.tcbInfo[tee], "TCB-Info-Issuer-Chain", collateral.tcbSigningChain);
};

const qeIdentity: Resource = (collateral, _query, tee) =>
  document(collateral.qeIdentity[tee], "SGX-Enclave-Identity-Issuer-Chain", collateral.tcbSigningChain);

const pckCrl: Resource = (collateral, query) => {
  const ca = query.get("ca");
  if (ca !== "platform" && ca !== "processor") return refusal(400);
  const chain = issuerChain("SGX-PCK-CRL-Issuer-Chain", collateral.pckCrlIssuerChain[ca]);
  const der = collateral.pckCrl[ca];
  return query.get("encoding") === "der"
    ? { status: 200, headers: { ...chain, "content-type": "application/pkix-crl" }, body: der }
    : {
        status: 200,
        headers: { ...chain, "content-type": "application/x-pem-file" },
        body: utf8(toPem("X509 CRL", der)),
      };
};

/** A PCCS hands out the root CRL as hex. */
const rootCaCrl: Resource = (collateral) => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body: utf8(Buffer.from(collateral.rootCaCrl).toString("hex")),
});

const RESOURCES: Readonly<Record<string, Resource>> = {
  tcb,
  "qe/identity": qeIdentity,
  "sgx/pckcrl": pckCrl,
  "sgx/rootcacrl": rootCaCrl,
};

function collateralSource(options: PcsOptions): () => Collateral {
  let issued: { collateral: Collateral; vendor: SimulatedVendor; at: number; defects: string } | undefined;
  return () => {
    const [vendor, at, defects] = [options.vendor(), options.now(), options.defects?.() ?? {}];
    const label = JSON.stringify(defects);
    const fresh = issued?.vendor === vendor && issued.defects === label && Math.abs(at - issued.at) < REISSUE_AFTER;
    if (issued === undefined || !fresh) {
      issued = { collateral: issueCollateral(vendor, { now: at, defects }), vendor, at, defects: label };
    }
    return issued.collateral;
  };
}

function document(body: Uint8Array, chainHeader: string, chain: Uint8Array): PcsAnswer {
  return { status: 200, headers: { ...issuerChain(chainHeader, chain), "content-type": "application/json" }, body };
}

function issuerChain(header: string, chain: Uint8Array): Readonly<Record<string, string>> {
  return { [header]: encodeURIComponent(new TextDecoder().decode(chain)) };
}

function refusal(status: 400 | 404): PcsAnswer {
  return { status, headers: {}, body: new Uint8Array(0) };
}
