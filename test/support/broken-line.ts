import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What happens to the next connections: `drop` closes them before a byte passes, `cut` when the answer begins. */
export type Breakage = "drop" | "cut";

/** A line to a server that breaks when it is told to. */
export interface BrokenLine {
  readonly url: string;
  /** Breaks the next connections, one way for each; later ones pass, and so do requests on a connection that was kept. */
  breakNext(...ways: readonly Breakage[]): void;
  close(): Promise<void>;
}

/** Puts a line on loopback in front of a server. */
export async function breakableLine(target: string): Promise<BrokenLine> {
  const { hostname, port } = new URL(target);
  const next: Breakage[] = [];
  const open = new Set<Socket>();
  const server = createServer((inward) => {
    const way = next.shift();
    track(open, inward);
    if (way === "drop") {
      inward.destroy();
      return;
    }
    const outward = track(open, connect(Number(port), hostname));
    inward.pipe(outward);
    if (way === "cut") outward.once("data", () => inward.destroy());
    else outward.pipe(inward);
    inward.once("close", () => outward.destroy());
    outward.once("close", () => inward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    breakNext: (...ways) => void next.push(...ways),
    close: () => closed(server, open),
  };
}

function track(open: Set<Socket>, socket: Socket): Socket {
  open.add(socket);
  socket.on("error", () => undefined);
  socket.once("close", () => open.delete(socket));
  return socket;
}

async function closed(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const socket of open) socket.destroy();
  await ended;
}
