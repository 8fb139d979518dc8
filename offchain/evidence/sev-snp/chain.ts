import { EvidenceError } from "../../errors.ts";
import type { Certificate } from "../../x509/certificate.ts";
import type { ChainVerifier, VerifiedChain } from "../../x509/chain.ts";
import { isRevoked, readRevocationList, verifyRevocationList, type RevocationList } from "../../x509/crl.ts";
import { isPem } from "../../x509/pem.ts";
import { asEndorsement, needEndorsement } from "../check-log.ts";
import type { TrustRoot } from "../scheme.ts";
import type { SevSnpContext } from "./context.ts";
import type { Product } from "./product.ts";
import type { SigningKey } from "./report.ts";

export type SevSnpChain = VerifiedChain<TrustRoot>;

const CHAIN_LENGTH = 3;

/**
 * Verifies VEK, ASK (or ASVK) and ARK: RSA-4096 with PSS and SHA-384 throughout, the VEK a key of P-384.
 * @see AMD publication 57230, certificate chain
 */
export async function verifyVekChain({ endorsements, chains, trustRoots, now }: SevSnpContext): Promise<SevSnpChain> {
  const vek = readOne(needEndorsement(endorsements.vek, "VCEK or VLEK certificate"), chains);
  const ask = readOne(needEndorsement(endorsements.ask, "ASK or ASVK certificate"), chains);
  const ark = readOne(needEndorsement(endorsements.ark, "ARK certificate"), chains);
  const rules = { roots: trustRoots, now, algorithm: "rsa4096-pss-sha384", maxLength: CHAIN_LENGTH } as const;
  const chain = await chains.verify([vek, ask, ark], rules);
  if (vek.isCa || vek.publicKey.curve !== "P-384") throw untrusted("the VEK is no end entity with a key of P-384");
  return chain;
}

/** Checks that each certificate of the chain has the name that AMD gives it for the product and the signing key. */
export function checkNames(chain: SevSnpChain, signingKey: SigningKey, product: Product): void {
  const issuer = signingKey === "VCEK" ? `SEV-${product}` : `SEV-VLEK-${product}`;
  const expected = [`SEV-${signingKey}`, issuer, `ARK-${product}`];
  for (const [index, certificate] of chain.certificates.entries()) {
    const name = certificate.subject.commonName ?? "";
    if (name !== expected[index]) throw untrusted(`${name} stands where ${expected[index] ?? "nothing"} belongs`);
  }
}

/** Verifies the ARK's revocation list and that it does not name the VEK's issuer. */
export async function verifyCrl(
  bytes: Uint8Array,
  chain: SevSnpChain,
  { chains, now }: Pick<SevSnpContext, "chains" | "now">,
): Promise<RevocationList> {
  const list = await asEndorsement("CRL of the ARK", async () => {
    const value = chains.memory.parsed("revocation list", bytes, readRevocationList);
    await verifyRevocationList(value, chain.rootCertificate, now, chains.memory);
    return value;
  });
  const revoked = chain.certificates.find((certificate) => isRevoked(list, certificate));
  if (revoked === undefined) return list;
  throw new EvidenceError("CERTIFICATE_REVOKED", `${revoked.subject.commonName ?? "a certificate"} is revoked`);
}

/** The one certificate in a file of PEM or DER; throws `EvidenceError`. */
export function readOne(bytes: Uint8Array, chains: ChainVerifier): Certificate {
  const [certificate, ...rest] = isPem(bytes) ? chains.parse(bytes) : chains.parseDer([bytes]);
  if (certificate === undefined || rest.length > 0) {
    throw new EvidenceError("EVIDENCE_MALFORMED", `${rest.length + 1} certificates where one belongs`);
  }
  return certificate;
}

function untrusted(message: string): EvidenceError {
  return new EvidenceError("CHAIN_UNTRUSTED", message);
}
