/** The signed documents that Intel's provisioning certification service hands out, as the simulated vendor issues them. */
import { sign } from "node:crypto";
import { concat, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import type { DcapEndorsements } from "../../../evidence/dcap/endorsements.ts";
import { authorityKeyIdentifier, crlNumber } from "../../../x509/issue-extensions.ts";
import { issueCrl, issuerKeyIdentifier, toPem } from "../../../x509/issue.ts";
import type { Issuer } from "../../../x509/issue.ts";
import { deriveScalar, privateKeyOf } from "./keys.ts";
import { qeIdentityDocument, tcbInfoDocument } from "./documents.ts";
import type { SimulatedTee } from "./platform-file.ts";
import { SIMULATED_FMSPC } from "./platform.ts";
import { bytesOf } from "../state.ts";
import { vendorAuthority } from "./vendor.ts";
import type { PckCa, SimulatedVendor } from "./vendor.ts";

/** Everything that the vendor's service serves, each part as the bytes of its file. */
export interface Collateral {
  readonly tcbInfo: Readonly<Record<SimulatedTee, Uint8Array>>;
  readonly qeIdentity: Readonly<Record<SimulatedTee, Uint8Array>>;
  /** PEM: TCB signing certificate, root. */
  readonly tcbSigningChain: Uint8Array;
  /** DER. */
  readonly pckCrl: Readonly<Record<PckCa, Uint8Array>>;
  /** PEM: PCK CA, root. */
  readonly pckCrlIssuerChain: Readonly<Record<PckCa, Uint8Array>>;
  /** DER. */
  readonly rootCaCrl: Uint8Array;
}

/** What can be wrong with collateral; each is what a careless or lying service could serve. */
export interface CollateralDefects {
  /** One signed TCB status is edited after signing. */
  readonly editedTcbInfo?: boolean;
  /** TCB info and QE identity are signed by this PCK CA, and its chain stands where the TCB signing chain should. */
  readonly signedByPckCa?: PckCa;
  /** TCB info of another family, 6 bytes. */
  readonly fmspc?: Hex;
  /** The PCK CRL is signed by a key that nobody certified. */
  readonly forgedPckCrl?: boolean;
  /** The QE identity names another signer of the quoting enclave. */
  readonly foreignQeSigner?: boolean;
}

export interface CollateralOptions {
  /** Milliseconds since 1970; documents are issued an hour before it, so that a slow clock accepts them. */
  readonly now: number;
  readonly defects?: CollateralDefects;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Intel's documents hold for 30 days and its root CRL for a year. */
const VALIDITY = 30 * DAY;
const ROOT_CRL_VALIDITY = 365 * DAY;
const TEES = ["intel-sgx", "intel-tdx"] as const;

/** Issues every document of the vendor for a time. */
export function issueCollateral(vendor: SimulatedVendor, options: CollateralOptions): Collateral {
  const defects = options.defects ?? {};
  const issuedAt = options.now - HOUR;
  const times = { issuedAt, nextUpdate: issuedAt + VALIDITY };
  const signer = vendorAuthority(vendor, defects.signedByPckCa ?? "tcbSigning");
  const fmspc = defects.fmspc ?? SIMULATED_FMSPC;
  const tcbInfoOf = (tee: SimulatedTee): Uint8Array =>
    edited(signedDocument("tcbInfo", tcbInfoDocument(vendor, tee, { ...times, fmspc }), signer), defects);
  const qeIdentityOf = (tee: SimulatedTee): Uint8Array =>
    signedDocument("enclaveIdentity", qeIdentityDocument(vendor, tee, { ...times, ...defects }), signer);
  return {
    tcbInfo: perTee(tcbInfoOf),
    qeIdentity: perTee(qeIdentityOf),
    tcbSigningChain: chainOf(vendor, defects.signedByPckCa ?? "tcbSigning"),
    pckCrl: perCa((ca) => crlOf(vendor, ca, times, defects.forgedPckCrl)),
    pckCrlIssuerChain: perCa((ca) => chainOf(vendor, ca)),
    rootCaCrl: crlOf(vendor, "root", { issuedAt, nextUpdate: issuedAt + ROOT_CRL_VALIDITY }),
  };
}

/** The parts of a vendor's collateral that one platform's evidence needs, as verifiers take them. */
export function endorsementsFor(
  collateral: Collateral,
  platform: { readonly tee: SimulatedTee; readonly ca: PckCa },
): DcapEndorsements {
  return {
    tcbInfo: collateral.tcbInfo[platform.tee],
    qeIdentity: collateral.qeIdentity[platform.tee],
    tcbSigningChain: collateral.tcbSigningChain,
    qeIdentityIssuerChain: collateral.tcbSigningChain,
    pckCrl: collateral.pckCrl[platform.ca],
    pckCrlIssuerChain: collateral.pckCrlIssuerChain[platform.ca],
    rootCaCrl: collateral.rootCaCrl,
  };
}

/** The signature is over the bytes of the member as they stand. */
function signedDocument(member: "tcbInfo" | "enclaveIdentity", document: string, signer: Issuer): Uint8Array {
  const signature = sign("sha256", utf8(document), { key: signer.privateKey, dsaEncoding: "ieee-p1363" });
  return utf8(`{"${member}":${document},"signature":"${signature.toString("hex")}"}`);
}

function edited(document: Uint8Array, defects: CollateralDefects): Uint8Array {
  if (defects.editedTcbInfo !== true) return document;
  return utf8(new TextDecoder().decode(document).replace('"tcbStatus":"OutOfDate"', '"tcbStatus":"UpToDate"'));
}

function crlOf(
  vendor: SimulatedVendor,
  issuer: PckCa | "root",
  times: { readonly issuedAt: number; readonly nextUpdate: number },
  forged = false,
): Uint8Array {
  const { name, privateKey } = vendorAuthority(vendor, issuer);
  const signingKey = forged ? privateKeyOf(deriveScalar(vendor.seed, "forger")) : privateKey;
  const revoked = vendor.revoked.filter((entry) => entry.issuer === issuer);
  return issueCrl(
    {
      thisUpdate: times.issuedAt,
      nextUpdate: times.nextUpdate,
      revoked: revoked.map(({ serial, revokedAt }) => ({ serial: bytesOf(serial), revokedAt })),
      extensions: [crlNumber(1), authorityKeyIdentifier(issuerKeyIdentifier({ name, privateKey: signingKey }))],
    },
    { name, privateKey: signingKey },
  );
}

function chainOf(vendor: SimulatedVendor, role: keyof SimulatedVendor["certificates"]): Uint8Array {
  const chain = [vendor.certificates[role], vendor.certificates.root];
  return concat(...chain.map((der) => utf8(toPem("CERTIFICATE", bytesOf(der)))));
}

function perTee(make: (tee: SimulatedTee) => Uint8Array): Record<SimulatedTee, Uint8Array> {
  const [sgx, tdx] = TEES;
  return { [sgx]: make(sgx), [tdx]: make(tdx) };
}

function perCa(make: (ca: PckCa) => Uint8Array): Record<PckCa, Uint8Array> {
  return { platform: make("platform"), processor: make("processor") };
}
