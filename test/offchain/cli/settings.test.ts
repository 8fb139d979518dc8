import { expect } from "chai";
import { parseSettings } from "../../../offchain/cli/files.ts";
import { parseTrustRootFile } from "../../../offchain/cli/trust.ts";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { ConfigError } from "../../../offchain/errors.ts";

const LIMIT = 1 << 18;

/** A JSON string of exactly so many bytes. */
const textOf = (bytes: number): Uint8Array => utf8(`"${"x".repeat(bytes - 2)}"`);

describe("cli/files", () => {
  describe("parseSettings", () => {
    it("reads what somebody wrote, up to 256 KiB", () => {
      expect(parseSettings(textOf(LIMIT), "file")).to.have.length(LIMIT - 2);
    });

    it("refuses more before it parses it: a megabyte of brackets took 60 ms", () => {
      const brackets = utf8(`{"name":${"[".repeat(LIMIT)}${"]".repeat(LIMIT)}}`);
      for (const read of [() => parseSettings(textOf(LIMIT + 1), "file"), () => parseTrustRootFile(brackets, "file")]) {
        expect(read).to.throw(ConfigError).with.property("code", "CONFIG_INVALID");
      }
    });
  });
});
