import type { Member } from "../chain/committee.ts";
import type { RelayerContext } from "./context.ts";
import { readMemberBond, takeSeat } from "../chain/committee.ts";
import { readStake } from "../chain/stake.ts";

/** Takes the relayer's own seat as soon as its bond suffices: a nominee's signature counts for nothing. */
export async function takeOwnSeat(context: RelayerContext, members: readonly Member[]): Promise<void> {
  const { contracts, sender, log } = context;
  const own = members.find(({ account }) => account === sender.address);
  if (own === undefined || own.bonded) return;
  const [{ bonded }, needed] = await Promise.all([readStake(contracts, sender.address), readMemberBond(contracts)]);
  if (bonded < needed) return;
  const { transaction } = await sender.send(takeSeat(contracts, sender.address));
  log.info({ member: sender.address, transaction }, "seat taken");
}
