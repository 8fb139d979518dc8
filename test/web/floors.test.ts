import { expect } from "chai";
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { openSession, type Session } from "../../scripts/browser/session.ts";
import { needChromium, runInPage } from "../support/chromium.ts";

const PURE = "offchain/{encoding,crypto,x509,cose,evidence,verifier,receipt,sealing,model}/**/*.ts";
/** Node's back of `#crypto`, and what issues certificates for simulated vendors. */
const NODE_ONLY = /\/crypto\/node\.ts$|\/x509\/issue[a-z-]*\.ts$/;
/** What a client in a browser has above the pure floors. */
const ABOVE = [
  ...["codec", "committee", "contracts", "escrow", "models", "provider", "reference-values", "registry", "sender"].map(
    (name) => `offchain/chain/${name}.ts`,
  ),
  "offchain/chain/token.ts",
  ...["check", "evidence-file", "exchange", "infer", "nodes", "resume", "verify-node"].map(
    (name) => `offchain/client/${name}.ts`,
  ),
  "offchain/http/fetch.ts",
];

describe("in Chromium", function () {
  this.timeout(120_000);
  let session: Session;

  before(async function () {
    needChromium(this);
    session = await openSession();
  });
  after(() => session?.close());

  /** Loads files in the page as one module; gives how many names they export. */
  async function namesOf(files: readonly string[]): Promise<number> {
    const imports = files.map((file, index) => `import * as m${index} from ${JSON.stringify(resolve(file))};`);
    const names = files.map((_file, index) => `Object.keys(m${index}).length`).join(" + ");
    await session.page.evaluate(() => delete (globalThis as { loaded?: number }).loaded);
    await runInPage(session, [...imports, `globalThis.loaded = ${names};`, ""].join("\n"));
    return session.page.evaluate(() => (globalThis as { loaded?: number }).loaded ?? 0);
  }

  it("loads every file of floors 2 to 5", async () => {
    const files = globSync(PURE).filter((file) => !NODE_ONLY.test(file));
    expect(files.length).to.be.greaterThan(50);
    expect(await namesOf(files)).to.be.greaterThan(files.length);
  });

  it("loads what a client needs above them", async () => {
    expect(await namesOf(ABOVE)).to.be.greaterThan(ABOVE.length);
  });
});
