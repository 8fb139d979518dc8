import { NodeFS } from "@electric-sql/pglite/nodefs";
import { closeSync, fsyncSync, openSync } from "node:fs";

/** WASI's number for an input or output error. */
const EIO = 29;

interface HostStream {
  /** The host's descriptor; undefined for a directory. */
  readonly nfd?: number;
  readonly node: unknown;
}

interface HostModule {
  readonly NODEFS: {
    readonly stream_ops: { fsync?: (stream: HostStream) => number };
    readonly realPath: (node: unknown) => string;
  };
}

type StartOptions = Awaited<ReturnType<NodeFS["init"]>>["emscriptenOpts"];

/**
 * The host's file system with a working fsync. PGlite's own leaves fsync out and starts Postgres with `-F`, so an
 * acknowledged row would survive the process but not a power failure.
 */
export class DurableFs extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS["init"]>): Promise<{ emscriptenOpts: StartOptions }> {
    const { emscriptenOpts } = await super.init(pg, options);
    const preRun = [...asList(emscriptenOpts.preRun), (host: unknown): void => installFsync(host as HostModule)];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } as StartOptions };
  }
}

function installFsync({ NODEFS }: HostModule): void {
  NODEFS.stream_ops.fsync = (stream) => {
    try {
      if (stream.nfd === undefined) syncPath(NODEFS.realPath(stream.node));
      else fsyncSync(stream.nfd);
      return 0;
    } catch {
      // Postgres panics on a failed fsync instead of acknowledging the write.
      return EIO;
    }
  };
}

/** Flushes one file or directory of the host to the disk. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
