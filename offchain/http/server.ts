/** The door of the HTTP server: small applications with uniform errors and limits, on loopback by default. */
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RequestError, ServiceError } from "../errors.ts";
import { errorAnswer } from "./errors.ts";

/** Routes of a service: `app.get(path, handler)`, `app.post(path, handler)`. */
export type App = Hono;

/** What a handler receives. */
export type RequestContext = Context;

export interface AppOptions {
  /** A larger request body is refused with REQUEST_TOO_LARGE; 1 MiB where not given. */
  readonly maxBodyBytes?: number;
  /** A handler that takes longer answers SERVICE_BUSY; 30 s where not given. */
  readonly handlerTimeoutMs?: number;
  /** Told of every error that a handler threw, coded or not. */
  readonly onError?: (error: unknown, path: string) => void;
}

export interface ListenOptions {
  /** `127.0.0.1` where not given. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How long a client may take to send a whole request; 15 s where not given. */
  readonly requestTimeoutMs?: number;
  /** Connections above this number are dropped; 256 where not given. */
  readonly maxConnections?: number;
}

/** A running server; holds its socket until closed. */
export interface Listening {
  /** Such as `http://127.0.0.1:43210`, without a slash at the end. */
  readonly url: string;
  /** Stops accepting, lets running requests finish for up to `graceMs` (5 s where not given), then cuts them; may be called twice. */
  close(graceMs?: number): Promise<void>;
}

/** Makes an application whose every failure is `{"error":{"code","message"}}` with a code of `offchain/errors.ts`. */
export function createApp(options: AppOptions = {}): App {
  const app = new Hono();
  const timeoutMs = options.handlerTimeoutMs ?? 30_000;
  app.use(async (context, next) => {
    context.header("cache-control", "no-store");
    context.header("x-content-type-options", "nosniff");
    await next();
  });
  app.use(async (_context, next) => within(next(), timeoutMs));
  app.use(
    bodyLimit({
      maxSize: options.maxBodyBytes ?? 1 << 20,
      onError: () => {
        throw new RequestError("REQUEST_TOO_LARGE", "the request body is too large");
      },
    }),
  );
  app.notFound((context) => answer(context, new RequestError("NOT_FOUND", `no ${context.req.path} here`)));
  app.onError((error, context) => {
    options.onError?.(error, context.req.path);
    return answer(context, error);
  });
  return app;
}

/** The JSON value of a request body; throws RequestError `REQUEST_INVALID` where it is not JSON. */
export async function readJson(context: RequestContext): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(context));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError("REQUEST_INVALID", "the request body is not JSON", { cause });
  }
}

/** The bytes of a request body; throws RequestError `REQUEST_TIMEOUT` where the client went away before the end. */
export async function readBytes(context: RequestContext): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await context.req.arrayBuffer());
  } catch (cause) {
    throw new RequestError("REQUEST_TIMEOUT", "the request body did not arrive whole", { cause });
  }
}

/** Serves an application; rejects with ServiceError `SERVICE_UNAVAILABLE` where the address cannot be taken. */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const host = options.host ?? "127.0.0.1";
  const requestTimeout = options.requestTimeoutMs ?? 15_000;
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      requestTimeout,
      headersTimeout: Math.min(requestTimeout, 10_000),
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: Math.min(requestTimeout, 1000),
      maxHeaderSize: 16 << 10,
    },
  }) as Server;
  server.maxConnections = options.maxConnections ?? 256;
  await started(server, host, options.port);
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    close: (graceMs = 5000) => (closing ??= stopped(server, graceMs)),
  };
}

function answer(context: RequestContext, error: unknown): Response {
  const { status, body } = errorAnswer(error);
  if (status === 503) context.header("retry-after", "1");
  return context.json(body, status);
}

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ServiceError("SERVICE_BUSY", `no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function started(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new ServiceError("SERVICE_UNAVAILABLE", `cannot listen on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
}

async function stopped(server: Server, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  // A connection that was busy when closing began becomes idle later and would be kept alive.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  clearInterval(sweep);
  clearTimeout(cut);
}
