/** A service on loopback whose every answer the test decides, down to the socket. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An answer as a service gives it, or anything that can be done to a connection. */
export type TestAnswer =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array | string;
    }
  | ((request: IncomingMessage, response: ServerResponse) => void);

export interface TestService {
  readonly url: string;
  /** Method, path and query of every request so far. */
  readonly requests: readonly string[];
  /** Decides from now on; `undefined` answers 404. */
  answerWith(decide: (path: string, body: Uint8Array) => TestAnswer | undefined | Promise<TestAnswer>): void;
  forget(): void;
  close(): Promise<void>;
}

export async function startVendorService(): Promise<TestService> {
  const requests: string[] = [];
  let decide: Parameters<TestService["answerWith"]>[0] = () => undefined;
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      requests.push(`${request.method} ${request.url}`);
      const answer = (await decide(request.url ?? "", Buffer.concat(parts))) ?? { status: 404 };
      if (typeof answer === "function") answer(request, response);
      else response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerWith: (next) => {
      decide = next;
    },
    forget: () => void requests.splice(0),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
