/** The forms that signed parts come in, and what of their bytes nobody signs. */
import { concat } from "../../offchain/encoding/bytes.ts";
import { looksLikeToken } from "../../offchain/evidence/arm-cca/token.ts";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import { parseSignedJson } from "../../offchain/evidence/dcap/signed-json.ts";
import { parseRim } from "../../offchain/evidence/nvidia/rim.ts";
import { isPem, parsePem } from "../../offchain/x509/pem.ts";

/** A form of bytes, with everything in it that is signed or is a signature. */
export interface Form {
  readonly name: "quote" | "json" | "pem" | "der" | "spdm" | "cose" | "snp" | "token" | "xml" | "cca";
  /** Throws where the bytes do not have the form. */
  readonly signed: (bytes: Uint8Array) => Uint8Array;
  /** What `signed` leaves out, and why a change there is no forgery; undefined where every byte counts. */
  readonly dontCare: string | undefined;
  /** Why a change may be refused with a check not made and no error's code; undefined where it may not. */
  readonly notChecked?: string;
}

const whole = (bytes: Uint8Array): Uint8Array => bytes;

const FORMS: Readonly<Record<Form["name"], Form>> = {
  quote: {
    name: "quote",
    signed: signedOfQuote,
    dontCare:
      "white space and zero octets around the base64 of the PCK chain, and the lengths that follow from it: PEM is a transport, its DER is what is signed; bytes after a TDX quote, which the claims count",
  },
  json: {
    name: "json",
    signed: signedOfJson,
    dontCare:
      "white space outside the signed object and the case of the signature's hex digits: the same signed bytes and signature",
  },
  pem: {
    name: "pem",
    signed: signedOfPem,
    dontCare: "white space and zero octets around the base64: PEM is a transport, its DER is what is signed",
  },
  xml: {
    name: "xml",
    signed: signedOfManifest,
    dontCare:
      "what canonical XML leaves out of the document and of SignedInfo, white space around base64, and what else KeyInfo says: the same signed bytes, signature and certificates",
  },
  der: { name: "der", signed: whole, dontCare: undefined },
  spdm: { name: "spdm", signed: whole, dontCare: undefined },
  cose: { name: "cose", signed: whole, dontCare: undefined },
  snp: { name: "snp", signed: whole, dontCare: undefined },
  cca: { name: "cca", signed: whole, dontCare: undefined },
  token: {
    name: "token",
    signed: whole,
    dontCare: undefined,
    notChecked: "another key id names a key that the key set does not have: nothing is said of the token",
  },
};

/** Every form, for the documentation of what is not signed. */
export const ALL_FORMS: readonly Form[] = Object.values(FORMS);

/** The form of a part by its role, told apart by its first bytes where a role has two. */
export function formOf(role: string, bytes: Uint8Array): Form {
  if (role === "quote") return FORMS.quote;
  if (role === "document") return FORMS.cose;
  if (role === "rim") return FORMS.xml;
  if (role === "token") return looksLikeToken(bytes) ? FORMS.cca : FORMS.token;
  if (role === "report") return bytes[1] === 0 ? FORMS.snp : FORMS.spdm;
  if (isPem(bytes)) return FORMS.pem;
  return bytes[0] === 0x7b ? FORMS.json : FORMS.der;
}

/** Says whether a change left everything that is signed, and every signature, as it was. */
export function isUnsignedChange({ signed }: Form, original: Uint8Array, changed: Uint8Array): boolean {
  try {
    return Buffer.compare(signed(original), signed(changed)) === 0;
  } catch {
    return false;
  }
}

/** Everything but the lengths, which follow from the rest, and what follows a TDX quote. */
function signedOfQuote(bytes: Uint8Array): Uint8Array {
  const { signedPart, signature, attestationKey, certification } = parseQuote(bytes);
  const { qeReportBytes, qeReportSignature, qeAuthData, certificationDataType, certificationData } = certification;
  const chain = isPem(certificationData) ? signedOfPem(certificationData) : certificationData;
  const enclave = [qeReportBytes, qeReportSignature, qeAuthData, Uint8Array.of(certificationDataType)];
  return concat(signedPart, signature, attestationKey, ...enclave, chain);
}

function signedOfJson(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  const { signedPart, signature } = parseSignedJson(bytes, text.includes('"tcbInfo"') ? "tcbInfo" : "enclaveIdentity");
  return concat(signedPart, signature);
}

function signedOfManifest(bytes: Uint8Array): Uint8Array {
  const { content, signedInfo, value, certificates } = parseRim(bytes).signature;
  return concat(content, signedInfo, value, ...certificates);
}

function signedOfPem(bytes: Uint8Array): Uint8Array {
  const label = ["X509 CRL", "PUBLIC KEY"].find((known) => isPem(bytes, known)) ?? "CERTIFICATE";
  return concat(...parsePem(bytes, label));
}
