import { verifyEcdsa } from "#crypto";
import type { DeviceReport } from "../evidence/nvidia/report.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { isPem } from "../x509/pem.ts";
import { importKey } from "../x509/signature.ts";
import { unlessCoded } from "./classify.ts";

/** The certificate chain among files, PEM, whose leaf signed a device's report, else any chain; undefined where there is none. */
export async function selectDeviceChain(
  files: readonly Uint8Array[],
  report: DeviceReport,
): Promise<Uint8Array | undefined> {
  const chains = files.filter((bytes) => isPem(bytes) && unlessCoded(() => new ChainVerifier().parse(bytes)));
  for (const chain of chains) if (await isSigner(chain, report)) return chain;
  return chains[0];
}

async function isSigner(chain: Uint8Array, { signedPart, signature }: DeviceReport): Promise<boolean> {
  const [leaf] = new ChainVerifier().parse(chain);
  if (leaf?.publicKey.curve !== "P-384") return false;
  const key = await importKey(leaf.publicKey).catch(() => undefined);
  return key !== undefined && verifyEcdsa("sha384", key, signedPart, signature);
}
