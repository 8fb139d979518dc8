import { join } from "node:path";
import { CLIENT_MIGRATIONS } from "../client/client.ts";
import { endorsementService } from "../client/endorsement-service.ts";
import type { EndorsementStore } from "../endorsements/documents.ts";
import type { EndorsementServices } from "../endorsements/services.ts";
import type { EndorsementSource } from "../endorsements/source.ts";
import { readRelayerConfig } from "../relayer/config.ts";
import { ENDORSEMENT_MIGRATIONS, endorsementDocuments } from "../store/endorsements.ts";
import type { Migration } from "../store/migrations.ts";
import { openStore } from "../store/store.ts";
import { VERDICT_MIGRATIONS } from "../store/verdicts.ts";
import { profileOf, type NetworkOptions } from "./network.ts";
import type { Session } from "./session.ts";

/** Whose endorsements are meant: a profile's, or a relayer's. */
export interface HolderOptions extends NetworkOptions {
  readonly relayer?: string;
}

/** Endorsements that one program keeps, and what gets further ones. */
export interface Holder {
  readonly store: EndorsementStore;
  readonly source: EndorsementSource;
}

interface Place {
  readonly dir: string;
  readonly migrations: readonly Migration[];
  readonly services: EndorsementServices;
}

/** Opens the database of a profile's client or of a relayer, which must not run meanwhile, does the work and closes it. */
export async function onHolder<T>(
  options: HolderOptions,
  session: Session,
  work: (holder: Holder) => Promise<T>,
): Promise<T> {
  const { dir, migrations, services } = placeOf(options, session);
  const database = await openStore({ dir }, migrations);
  try {
    const store = endorsementDocuments(database);
    return await work({ store, source: endorsementService(services, store) });
  } finally {
    await database.close();
  }
}

function placeOf(options: HolderOptions, session: Session): Place {
  if (options.relayer === undefined) {
    const { dataDir, endorsements } = profileOf(options, session.environment);
    return { dir: join(dataDir, "client"), migrations: CLIENT_MIGRATIONS, services: endorsements };
  }
  const { state, endorsements } = readRelayerConfig(options.relayer, {});
  return { dir: state, migrations: [...VERDICT_MIGRATIONS, ...ENDORSEMENT_MIGRATIONS], services: endorsements };
}
