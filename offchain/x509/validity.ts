import { EvidenceError } from "../errors.ts";

/** Checks that `now` is within a period, both ends inclusive, in milliseconds since 1970; throws `EvidenceError` `CERTIFICATE_EXPIRED`. */
export function checkValidity(what: string, from: number, to: number, now: number): void {
  if (now >= from && now <= to) return;
  const period = `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  throw new EvidenceError("CERTIFICATE_EXPIRED", `${what} is valid ${period}`);
}
