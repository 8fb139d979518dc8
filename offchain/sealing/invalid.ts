import { SealError } from "../errors.ts";

/**
 * The one error for everything that cannot be opened, whatever the reason: a peer that can tell a bad tag from bad
 * framing has an oracle, so the message is constant and there is no cause.
 */
export function sealInvalid(): SealError {
  return new SealError("SEAL_INVALID", "the sealed message cannot be opened");
}
