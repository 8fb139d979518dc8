import { expect } from "chai";
import type { ErrorCode } from "../../offchain/errors.ts";
import { codeOfAsync } from "./errors.ts";

/** Expects that an action, now or later, throws a coded error. */
export async function expectRefusal(code: ErrorCode, action: () => unknown): Promise<void> {
  expect(await codeOfAsync(async () => action())).to.equal(code);
}
