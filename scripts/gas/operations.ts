/** What is measured: a title for people, the most gas that it should take, and whether random signatures are in its calldata. Whole transactions except `isActive`. */
export const OPERATIONS = {
  stakeFirst: { what: "stake, an operator's first deposit", target: 90_000 },
  stakeMore: { what: "stake, a further deposit", target: 90_000 },
  unbond: { what: "request to unbond" },
  stakeWithdraw: { what: "withdraw stake after the thaw" },
  registerFirst: { what: "register, an operator's first node" },
  registerMore: { what: "register, a further node" },
  verdictNew: { what: "2-of-3 verdict, a node's first key", target: 130_000 },
  verdictAfterChange: { what: "2-of-3 verdict, the first on a platform after a change of policy" },
  verdictRenewal: { what: "2-of-3 verdict, renewal of the same key", target: 75_000 },
  verdictRotation: { what: "2-of-3 verdict, first rotation of the key" },
  verdictLaterRotation: { what: "2-of-3 verdict, a later rotation of the key" },
  isActive: { what: "isActive asked by a contract, cold", target: 9_000 },
  recheck: { what: "recheck that revokes, without a quote", target: 55_000 },
  exit: { what: "exit of a node", target: 60_000 },
  slashEquivocation: { what: "slash for two verdicts on one evidence, with expulsion", target: 120_000 },
  slashReceipts: { what: "slash for two receipts of one sequence", target: 120_000 },
  modelRegister: { what: "register a model" },
  offer: { what: "offer a model" },
  offerPrice: { what: "change the price of an offer" },
  channelOpen: { what: "open one channel" },
  channelTopUp: { what: "top up one channel" },
  channelOpenTen: { what: "open ten channels in one transaction" },
  settleFirst: { what: "settle one receipt, an operator's first earning" },
  settleOne: { what: "settle one receipt" },
  settleTen: { what: "settle a batch of 10, per channel" },
  settleHundred: { what: "settle a batch of 100, per channel" },
  settlePackedTen: { what: "settle a packed batch of 10, per channel" },
  settlePackedHundred: { what: "settle a packed batch of 100, per channel", target: 17_000 },
  allowList: { what: "allow a node's lists, in an open channel" },
  listTen: { what: "settle a list of 10, per channel" },
  listHundred: { what: "settle a list of 100, per channel", target: 7_000 },
  earnings: { what: "withdraw earnings" },
  channelClose: { what: "close a channel" },
  channelWithdraw: { what: "withdraw the rest of a channel after the thaw" },
  dcapFirst: { what: "TDX quote verified on chain, new record", target: 260_000, random: true },
  dcapWithPck: { what: "TDX quote, PCK certificate cached, renewal", target: 105_000, random: true },
  dcapWithKey: { what: "TDX quote, attestation key cached, renewal", target: 85_000, random: true },
  dcapRecheck: { what: "TCB of a record evaluated again, no quote", target: 55_000, random: true },
  dcapCachePck: { what: "cache a PCK certificate", random: true },
  dcapCacheKey: { what: "cache an attestation key", random: true },
  dcapRootCrl: { what: "Intel's root CRL", random: true },
  dcapPckCrl: { what: "Intel's PCK CRL, empty", random: true },
  dcapTcbInfo: { what: "Intel's TCB info for one FMSPC", target: 3_000_000, random: true },
  dcapQeIdentity: { what: "Intel's TD-QE identity", random: true },
} as const satisfies Readonly<
  Record<string, { readonly what: string; readonly target?: number; readonly random?: true }>
>;

export type Operation = keyof typeof OPERATIONS;

/** Gas by operation. */
export type Gas<Names extends Operation = Operation> = Readonly<Record<Names, number>>;
