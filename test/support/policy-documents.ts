/** Policy documents as anyone could write them, good and bad. */
import * as fc from "fast-check";
import { DEVICE_PLATFORMS, NODE_PLATFORMS, POLICY_LAYERS, TCB_STATUSES } from "../../offchain/evidence/scheme.ts";

type Document = Readonly<Record<string, unknown>>;

const digits = fc.constantFrom(...Array.from("0123456789abcdefABCDEF"));
const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom("", "0x"),
      fc.array(digits, { minLength: 2 * bytes, maxLength: 2 * bytes }).map((list) => list.join("")),
    )
    .map((parts) => parts.join(""));
const text = fc.string({ minLength: 1, maxLength: 9 });
const some = (members: Readonly<Record<string, fc.Arbitrary<unknown>>>, least = 0): fc.Arbitrary<Document> =>
  fc.record(members, { requiredKeys: [] }).filter((document) => Object.keys(document).length >= least);

/** One policy's document; a careless one now and then says what is not allowed. */
function policyDocumentsOf(care: "careful" | "careless"): fc.Arbitrary<Document> {
  const slip = care === "careless" ? 1 : 0;
  const least = 1 - slip;
  const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
    fc.array(item, { minLength: least, maxLength: 3 });
  const bytes = (length: number): fc.Arbitrary<unknown> =>
    fc.oneof(
      hex(length),
      list(hex(length)),
      fc.constantFrom("a5", "00", "01").map((value) => ({ mask: "ff".repeat(length), value: value.repeat(length) })),
      ...(slip ? [fc.record({ mask: hex(length), value: hex(length) })] : []),
    );
  const number = (most: number): fc.Arbitrary<unknown> =>
    fc.oneof(
      fc.integer({ min: -slip, max: most + slip }),
      list(fc.nat({ max: most })),
      fc.record({ minimum: fc.nat({ max: most }) }),
    );
  const version = fc.oneof(text, list(text));
  const sets: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    "intel-sgx": some({ mrenclave: bytes(32), isvsvn: number(9), attributes: bytes(16), mrsigner: bytes(32) }, least),
    "intel-tdx": some({ mrtd: bytes(48), rtmr3: bytes(48), xfam: bytes(8), tdAttributes: bytes(8) }, least),
    "amd-sev-snp": some({ measurement: bytes(48), vmpl: number(3), guestPolicy: bytes(8) }, least),
    "aws-nitro": some({ pcr0: bytes(48), pcr31: bytes(64), ...(slip && { pcr32: bytes(32) }) }, least),
    "arm-cca": some({ rim: bytes(32), rem3: bytes(64), rpv: bytes(64), lifecycle: number(9), hashAlg: version }, least),
    "nvidia-gpu": some({ measurement1: bytes(48), measurement64: bytes(3), driverVersion: version }, least),
    "nvidia-switch": some({ measurement2: bytes(48), vbiosVersion: version }, least),
  };
  const platforms = fc.array(fc.constantFrom(...NODE_PLATFORMS, ...DEVICE_PLATFORMS), { maxLength: 3 });
  const statuses = TCB_STATUSES.filter((status) => slip || status !== "Revoked");
  const age = fc.option(fc.nat({ max: 200_000 }));
  const advisories = fc.array(fc.constantFrom("INTEL-SA-00001", "INTEL-SA-00002"), { maxLength: 2 });
  const requirement = fc.constantFrom("required", "warn");
  return some({
    endorsements: fc.constantFrom("required", "quote-only", ...(slip ? ["warn"] : [])),
    revocation: requirement,
    gpu: some({ required: fc.boolean(), referenceMeasurements: requirement }),
    platforms,
    roots: fc.array(fc.oneof(text, fc.constant("Intel SGX Root CA")), { maxLength: 2 }),
    tcbStatuses: fc.array(fc.constantFrom(...statuses), { maxLength: 3 }),
    minimumEvaluationNumber: fc.nat({ max: 30 }),
    minimumSevSnpTcb: some({
      bootloader: fc.nat({ max: 255 + slip }),
      fmc: fc.nat({ max: 2 }),
      snp: fc.nat({ max: 30 }),
    }),
    acceptedAdvisories: fc.option(advisories),
    maximumEvidenceAge: age,
    maximumEndorsementAge: age,
    allowDebug: fc.boolean(),
    allowSimulated: fc.boolean(),
    allowServiceTd: fc.boolean(),
    measurements: fc.array(fc.oneof(...Object.values(sets)), { maxLength: 2 }),
    workloadIds: fc.array(fc.oneof(hex(32), fc.constant("11".repeat(32))), { maxLength: 2 }),
    claims: some(sets),
    deny: some({ platforms, platformIds: fc.array(hex(32), { maxLength: 2 }), advisories }),
  });
}

/** Policies that hold. */
export const policyDocuments: fc.Arbitrary<Document> = policyDocumentsOf("careful");

const carelessDocuments = fc.oneof(policyDocuments, policyDocumentsOf("careless"));

/** A policy's document, or one of layers. */
export const documents: fc.Arbitrary<Document> = fc.oneof(
  { arbitrary: carelessDocuments, weight: 3 },
  {
    arbitrary: some(Object.fromEntries(POLICY_LAYERS.map((layer) => [layer, carelessDocuments]))).map((layers) => ({
      layers,
    })),
    weight: 1,
  },
);

/** A document with one member, anywhere in it, replaced by any JSON value, or with one member more. */
export const brokenDocuments: fc.Arbitrary<unknown> = fc
  .tuple(documents, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.jsonValue(), fc.boolean())
  .map(([document, path, value, isNew]) => changed(document, path, isNew ? ["unknown", value] : [undefined, value]));

function changed(
  document: unknown,
  path: readonly number[],
  [name, value]: readonly [string | undefined, unknown],
): unknown {
  const [step = 0, ...rest] = path;
  if (typeof document !== "object" || document === null) return value;
  const copy: Record<string, unknown> = structuredClone(document) as Record<string, unknown>;
  const names = Object.keys(copy);
  const chosen = names.length === 0 ? "unknown" : (names[step % names.length] ?? "unknown");
  if (rest.length > 0 && typeof copy[chosen] === "object" && copy[chosen] !== null) {
    copy[chosen] = changed(copy[chosen], rest, [name, value]);
  } else {
    copy[name ?? chosen] = value;
  }
  return Array.isArray(document) ? Object.values(copy) : copy;
}
