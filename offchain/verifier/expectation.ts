import { MAX_COMPONENTS } from "../evidence/arm-cca/platform-claims.ts";
import { DEVICE_PLATFORMS, type Claims, type Platform } from "../evidence/scheme.ts";
import { hex, listOf, members, refuse, text, uint, type Read, type Readers } from "./policy-json.ts";

/** Bits that count and what they must be; hex of the claim's length, and no bit of `value` is outside `mask`. */
export interface Masked {
  readonly mask: string;
  readonly value: string;
}

/** A number from which on a claim is accepted. */
export interface AtLeast {
  readonly minimum: number;
}

/** What one claim must be: this value, one of these values, these bits, or at least this number. */
export type Expectation = string | number | readonly (string | number)[] | Masked | AtLeast;

/** Names of claims of one platform with what each must be. */
export type ExpectedClaims = Readonly<Record<string, Expectation>>;

const DIGEST = expectBytes(48);
const REALM_DIGEST = expectBytes(32, 48, 64);
const REGISTER_COUNT = 32;
const DEVICE_MEASUREMENTS = 64;
const UINT16 = 0xffff;
const UINT32 = 0xffff_ffff;
const MAX_VMPL = 3;

const VERSIONS = { driverVersion: expectText, vbiosVersion: expectText };
const DEVICE = numbered("measurement", 1, DEVICE_MEASUREMENTS, expectBytes(...range(1, 64)));

/** The claims that a policy may name, by platform. */
export const CLAIM_READERS: Readonly<Partial<Record<Platform, Readers<ExpectedClaims>>>> = {
  "intel-sgx": {
    mrenclave: expectBytes(32),
    mrsigner: expectBytes(32),
    isvprodid: expectNumber(UINT16),
    isvsvn: expectNumber(UINT16),
    configsvn: expectNumber(UINT16),
    configid: expectBytes(64),
    isvextprodid: expectBytes(16),
    isvfamilyid: expectBytes(16),
    attributes: expectBytes(16),
    miscselect: expectBytes(4),
  },
  "intel-tdx": {
    ...Object.fromEntries(["mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"].map((name) => [name, DIGEST])),
    ...Object.fromEntries(["mrconfigid", "mrowner", "mrownerconfig", "mrservicetd"].map((name) => [name, DIGEST])),
    ...Object.fromEntries(["mrseam", "mrsignerseam"].map((name) => [name, DIGEST])),
    ...Object.fromEntries(["tdAttributes", "xfam", "seamAttributes"].map((name) => [name, expectBytes(8)])),
  },
  "amd-sev-snp": {
    measurement: DIGEST,
    hostData: expectBytes(32),
    idKeyDigest: DIGEST,
    authorKeyDigest: DIGEST,
    familyId: expectBytes(16),
    imageId: expectBytes(16),
    guestPolicy: expectBytes(8),
    guestSvn: expectNumber(UINT32),
    vmpl: expectNumber(MAX_VMPL),
  },
  "aws-nitro": numbered("pcr", 0, REGISTER_COUNT - 1, expectBytes(32, 48, 64)),
  "arm-cca": {
    rim: REALM_DIGEST,
    ...numbered("rem", 0, 3, REALM_DIGEST),
    ...numbered("swComponent", 0, MAX_COMPONENTS - 1, REALM_DIGEST),
    rpv: expectBytes(64),
    implementationId: expectBytes(32),
    lifecycle: expectNumber(UINT16),
    hashAlg: expectText,
  },
  "nvidia-gpu": { ...DEVICE, ...VERSIONS },
  "nvidia-switch": { ...DEVICE, vbiosVersion: expectText },
};

/** One set of expected claims, all of one platform. */
export const claimSet: Read<ExpectedClaims> = (value, path) => {
  const [first] = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const fitting = Object.values(CLAIM_READERS).filter((readers) => Object.hasOwn(readers, first ?? ""));
  const readers = fitting.find((known) => Object.keys(value as object).every((name) => Object.hasOwn(known, name)));
  return members(readers ?? fitting[0] ?? {}, 1)(value, path) as ExpectedClaims;
};

/** Whether a set's claims are of a device, which is no node by itself. */
export function isOfDevice(set: ExpectedClaims): boolean {
  return DEVICE_PLATFORMS.some((platform) =>
    Object.keys(set).every((name) => Object.hasOwn(CLAIM_READERS[platform] ?? {}, name)),
  );
}

/** The value of a claim that a policy may name; undefined where the evidence carries none. */
export function claimValue({ measurements, details }: Claims, name: string): string | number | undefined {
  if (name === "guestPolicy") return sixtyFourBits(details["policy"]);
  const value = measurements[name] ?? details[name];
  return typeof value === "boolean" ? undefined : value;
}

/** Whether a claim is what is expected; a claim that is not there never is. */
export function meets(value: string | number | undefined, expected: Expectation): boolean {
  if (value === undefined) return false;
  if (typeof expected !== "object") return value === expected;
  if ("minimum" in expected) return typeof value === "number" && value >= expected.minimum;
  if ("mask" in expected) return typeof value === "string" && meetsMask(value, expected);
  return expected.includes(value);
}

/** An expectation for people. */
export function expectationText(expected: Expectation): string {
  if (typeof expected !== "object") return String(expected);
  if ("minimum" in expected) return `at least ${expected.minimum}`;
  return "mask" in expected ? `${expected.value} under ${expected.mask}` : expected.join(" or ");
}

function meetsMask(value: string, { mask, value: wanted }: Masked): boolean {
  if (value.length !== mask.length) return false;
  return Array.from(value).every((digit, index) => (nibble(digit) & nibble(mask[index])) === nibble(wanted[index]));
}

function nibble(digit: string | undefined): number {
  return Number.parseInt(digit ?? "0", 16);
}

/** AMD writes a guest policy as one number, most significant digit first. */
function sixtyFourBits(value: string | number | boolean | undefined): string | undefined {
  return typeof value === "string" ? value.replace(/^0x/, "").padStart(16, "0") : undefined;
}

function expectBytes(...lengths: readonly number[]): Read<Expectation> {
  const digest = hex(...lengths);
  const masked = members<Masked>({ mask: digest, value: digest });
  return (value, path) => {
    if (Array.isArray(value)) return listOf(digest, 1)(value, path);
    if (typeof value !== "object" || value === null) return digest(value, path);
    const { mask, value: wanted } = masked(value, path);
    if (mask === undefined) return refuse(`${path}.mask`, "given");
    if (wanted === undefined) return refuse(`${path}.value`, "given");
    if (mask.length !== wanted.length) return refuse(path, "a mask and a value of one length");
    if (!meetsMask(wanted, { mask, value: wanted })) return refuse(`${path}.value`, "under the mask");
    return { mask, value: wanted };
  };
}

function expectNumber(most: number): Read<Expectation> {
  const number = uint(most);
  return (value, path) => {
    if (Array.isArray(value)) return listOf(number, 1)(value, path);
    if (typeof value !== "object" || value === null) return number(value, path);
    const { minimum } = members<AtLeast>({ minimum: number })(value, path);
    return minimum === undefined ? refuse(`${path}.minimum`, "given") : { minimum };
  };
}

function expectText(value: unknown, path: string): Expectation {
  return Array.isArray(value) ? listOf(text, 1)(value, path) : text(value, path);
}

function numbered(name: string, from: number, to: number, read: Read<Expectation>): Readers<ExpectedClaims> {
  return Object.fromEntries(range(from, to).map((index) => [`${name}${index}`, read]));
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
