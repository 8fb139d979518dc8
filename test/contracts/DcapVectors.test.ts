import { expect } from "chai";
import { INTEL_ROOT } from "../../offchain/verifier/trust-roots.ts";
import { parseManifest, runVector, type Vector } from "../../offchain/verifier/conformance.ts";
import { parseQuote } from "../../offchain/evidence/dcap/quote.ts";
import { TCB_STATUSES } from "../../offchain/evidence/scheme.ts";
import {
  certificates,
  deployDcap,
  openDcapChain,
  refusalOf,
  upserts,
  type DcapChain,
  type DcapContracts,
} from "../support/dcap-chain.ts";
import { describeVectors, readVector, readVectors } from "../support/vectors.ts";

/** Where the contract says something else than the verifier off chain, and why that is meant. */
const DIFFERENCES: Readonly<Record<string, string>> = {};

describeVectors("DcapVerifier against the public vectors", ["manifest.json"], () => {
  const vectors = parseManifest(readVectors("manifest.json"), Date.now()).filter(
    ({ platform, kind }) => platform.startsWith("intel-") && kind === "quote+collateral",
  );
  let chain: DcapChain;

  before(async () => {
    chain = await openDcapChain();
  });

  it("gives the verdict of the verifier off chain", async function () {
    this.timeout(1_200_000);
    let n = 0;
    for (const vector of vectors) {
      const offchain = await runVector(vector, readVector);
      const got = await verdictOf(chain, vector);
      const off = offchain.got === "affirming" || offchain.got === "warning" ? "accept" : "reject";
      const on = got.status === undefined ? "reject" : "accept";
      if (on !== off) console.log(`DIFF ${vector.id} off=${off} on=${on} ${got.reason} | ${offchain.reason}`);
      n += 1;
      const status = vector.fields["tcbStatus"];
      if (got.status !== undefined && got.status !== status && status !== undefined) console.log(`STATUS ${vector.id} ${got.status} ${String(status)}`);
    }
    console.log(n);
    expect(n).to.be.greaterThan(0);
  });
});

interface Verdict { readonly status?: string | undefined; readonly reason: string }

async function verdictOf(chain: DcapChain, vector: Vector): Promise<Verdict> {
  const files = Object.fromEntries(
    await Promise.all(Object.entries(vector.files).map(async ([role, path]) => [role, await readVector(path)] as const)),
  );
  const { quote: raw = new Uint8Array() } = files;
  const root = files["trustRoot"] ?? (certificates(await readVector("dcap/collateral/pck-platform-ca-chain.pem"))[1] as Uint8Array);
  let quote = raw;
  let chainPem: Uint8Array | undefined = files["pckCertChain"];
  try {
    const parsed = parseQuote(raw);
    quote = parsed.bytes;
    if (parsed.certification.certificationDataType === 5) chainPem = parsed.certification.certificationData;
  } catch { /* as it stands */ }
  const pckChain = certificates(chainPem);
  return chain.at(Math.floor(vector.now / 1000), async () => {
    const { collateral, verifier } = await deployDcap(chain, root);
    for (const [i, call] of upserts(collateral, files, pckChain).entries()) {
      const refused = await refusalOf(call());
      if (refused !== undefined) return { reason: `upsert ${i}: ${refused}` };
    }
    let status: string | undefined;
    const refused = await refusalOf((async () => {
      const claims = await verifier.verify.staticCall(quote, pckChain[0] ?? new Uint8Array()) as { tcbStatus: bigint };
      status = ["", "UpToDate","SWHardeningNeeded","ConfigurationNeeded","ConfigurationAndSWHardeningNeeded","OutOfDate","OutOfDateConfigurationNeeded","Revoked","TDRelaunchAdvised","TDRelaunchAdvisedConfigurationNeeded"][Number(claims.tcbStatus)];
    })());
    return { status, reason: refused ?? "" };
  });
}
void INTEL_ROOT; void TCB_STATUSES; void (0 as unknown as DcapContracts);
