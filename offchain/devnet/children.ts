import { ServiceError } from "../errors.ts";
import type { Service } from "./processes.ts";

/** Starts a service and keeps it in mind. */
export type Run = (start: () => Promise<Service>) => Promise<Service>;

/** The child processes of a network. */
export interface Children {
  readonly run: Run;
  /** Ends every child in the reverse of the order in which they were begun, those still starting too, and lets no further one start. */
  stop(): Promise<void>;
}

export function createChildren(): Children {
  const begun: Promise<Service>[] = [];
  let stopped = false;
  return {
    run: async (start) => {
      if (stopped) throw new ServiceError("SERVICE_UNAVAILABLE", "the network is stopped");
      const service = start();
      begun.push(service);
      return service;
    },
    stop: async () => {
      stopped = true;
      for (const service of begun.splice(0).reverse()) {
        await service.then(
          (running) => running.stop(),
          () => undefined,
        );
      }
    },
  };
}
