/**
 * Conversions of rho computed apart from this project with mpmath at 60 digits, by a search over the order that uses no derivative.
 * @see https://arxiv.org/abs/2004.00010 Corollary 13
 */

/** rho, 1/delta, epsilon. */
export const EPSILONS: readonly (readonly [bigint, bigint, bigint, string])[] = [
  [1n, 200n, 100000n, "0.375261235699023151240411129187"],
  [1n, 20n, 100000n, "1.30811834290643812139357925568"],
  [1n, 5n, 100000n, "2.81363218933196573292823860127"],
  [1n, 2n, 100000n, "4.72838698494331389997054898848"],
  [5n, 4n, 100000n, "8.07835954814444647643157336188"],
  [1n, 32n, 1000n, "0.68800245548780839431806394"],
  [1n, 1000000n, 1000000n, "0.00449649398064861169073867267179"],
  [24356n, 1000000n, 1000000n, "1.00000065163165390068343703227"],
  [311065n, 1000000n, 1000000n, "4.00000032311615802967507345322"],
  [1052359n, 1000000n, 1000000n, "8.00000440261434402615139045441"],
  [1n, 1600n, 1000000000n, "0.192143805075024816738007627814"],
  [100n, 1n, 1000000n, "172.177551475899408316020381171"],
];

/** rho, epsilon, delta. */
export const DELTAS: readonly (readonly [bigint, bigint, bigint, bigint, string])[] = [
  [1n, 32n, 0n, 1n, "0.150845784562286090212894876765"],
  [1n, 32n, 1n, 1n, "0.0000122530811473965016508381797354"],
  [1n, 2n, 0n, 1n, "0.558835639347434633589808447365"],
  [1n, 2n, 1n, 1n, "0.246846330782944487074846780067"],
  [1n, 8n, 1n, 2n, "0.104285044708994643339771790327"],
  [1n, 1600n, 1n, 10n, "0.0000837091364039158684627683505661"],
  [5n, 4n, 8n, 1n, "0.0000124890165057567219711385819086"],
];

const BITS = 120;

/** How far a number is above a decimal reference, relative to it: both taken exactly. */
export function excessOver(value: number, reference: string): number {
  const [whole = "0", fraction = ""] = reference.split(".");
  const [digits, unit] = [BigInt(whole + fraction), 10n ** BigInt(fraction.length)];
  const difference = BigInt(value * 2 ** BITS) * unit - (digits << BigInt(BITS));
  return Number((difference * 10n ** 30n) / (digits << BigInt(BITS))) / 1e30;
}
