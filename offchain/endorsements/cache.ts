/** A value and until when it may be given out again, in milliseconds since 1970. */
export interface Expiring<T> {
  readonly value: T;
  readonly until: number;
}

/** Keeps fetched values in memory; it forgets the oldest where it is full. */
export interface Cache<T> {
  /** The kept value while it holds, else what `fetch` gives; askers at the same time share one fetch, and a failure is not kept. */
  get(key: string, fetch: () => Promise<Expiring<T>>): Promise<T>;
}

/** Makes a cache of at most `capacity` values. */
export function createCache<T>(options: { readonly now: () => number; readonly capacity?: number }): Cache<T> {
  const capacity = options.capacity ?? 256;
  const kept = new Map<string, Expiring<T>>();
  const inFlight = new Map<string, Promise<T>>();

  async function fill(key: string, fetch: () => Promise<Expiring<T>>): Promise<T> {
    try {
      const fetched = await fetch();
      kept.delete(key);
      kept.set(key, fetched);
      const [oldest] = kept.keys();
      if (kept.size > capacity && oldest !== undefined) kept.delete(oldest);
      return fetched.value;
    } finally {
      inFlight.delete(key);
    }
  }

  return {
    get: async (key, fetch) => {
      const found = kept.get(key);
      if (found !== undefined && options.now() < found.until) return found.value;
      const running = inFlight.get(key) ?? fill(key, fetch);
      inFlight.set(key, running);
      return running;
    },
  };
}
