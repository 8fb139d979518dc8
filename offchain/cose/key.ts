import { concat } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { decodeCbor, type CborValue } from "./cbor.ts";

/** A point on a curve as a message carries it; that it is on the curve is not looked at. */
export interface CurvePoint {
  readonly curve: "P-256" | "P-384";
  /** Affine coordinates, `x || y`. */
  readonly xy: Uint8Array;
}

/** Labels of a key and of its EC2 parameters. @see RFC 9052 section 7.1; RFC 9053 section 7.1.1 */
const LABELS = { type: 1, id: 2, algorithm: 3, curve: -1, x: -2, y: -3 } as const;
const KNOWN: ReadonlySet<CborValue> = new Set(Object.values(LABELS));
const EC2 = 2;
const CURVES: ReadonlyMap<CborValue | undefined, { curve: CurvePoint["curve"]; width: number; algorithm: number }> =
  new Map([
    [1, { curve: "P-256", width: 32, algorithm: -7 }],
    [2, { curve: "P-384", width: 48, algorithm: -35 }],
  ]);

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `COSE_Key: ${message}`);
const unsupported = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_UNSUPPORTED", `COSE_Key: ${message}`);

/**
 * Parses a public COSE_Key on P-256 or P-384 with both coordinates; an algorithm that it names must be its curve's.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`, also for a private key.
 * @see RFC 9052 section 7; RFC 9053 section 7.1.1
 */
export function parseCoseKey(bytes: Uint8Array): CurvePoint {
  const key = decodeCbor(bytes);
  if (!(key instanceof Map)) throw malformed("not a map");
  const parameters = key as ReadonlyMap<CborValue, CborValue>;
  for (const label of parameters.keys()) if (!KNOWN.has(label)) throw unsupported("a parameter that is not expected");
  if (parameters.get(LABELS.type) !== EC2) throw unsupported("not of the type EC2");
  const found = CURVES.get(parameters.get(LABELS.curve));
  if (found === undefined) throw unsupported("neither on P-256 nor on P-384");
  const named = parameters.get(LABELS.algorithm);
  if (named !== undefined && named !== found.algorithm) throw unsupported("an algorithm of another curve");
  const { curve, width } = found;
  return { curve, xy: concat(coordinate(parameters, "x", width), coordinate(parameters, "y", width)) };
}

function coordinate(parameters: ReadonlyMap<CborValue, CborValue>, name: "x" | "y", width: number): Uint8Array {
  const value = parameters.get(LABELS[name]);
  if (typeof value === "boolean") throw unsupported("a compressed point");
  if (!(value instanceof Uint8Array) || value.length !== width) throw malformed(`${name} is not of ${width} bytes`);
  return value;
}
