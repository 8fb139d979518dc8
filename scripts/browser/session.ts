import { readFile } from "node:fs/promises";
import { resolve, sep } from "node:path";
import type { Page as BrowserPage } from "playwright-core";
import { RequestError } from "../../offchain/errors.ts";
import { createApp, listen, type App } from "../../offchain/http/server.ts";
import { bundlePage } from "./bundle.ts";
import { launchChromium } from "./chromium.ts";

/** A page that runs our code in Chromium; holds the browser and the server until closed. */
export interface Session {
  /** `page.evaluate` reaches the functions of `page.ts` under `cloister`. */
  readonly page: BrowserPage;
  /** Such as `Chromium 140.0.1`. */
  readonly browser: string;
  close(): Promise<void>;
}

const DOCUMENT =
  '<!doctype html><meta charset="utf-8"><title>Cloister</title><script type="module" src="page.js"></script>';
/** Gives the page its precise clock. */
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Bundles the page, serves it on loopback together with the files of a folder (if any) under `/files/`, and opens it in Chromium. */
export async function openSession(folder?: string): Promise<Session> {
  const app = appOf(await bundlePage(), folder);
  const browser = await launchChromium();
  try {
    const server = await listen(app, { port: 0 });
    const close = async (): Promise<void> => {
      await browser.close();
      await server.close();
    };
    try {
      const page = await browser.newPage();
      await page.goto(server.url, { waitUntil: "load" });
      await page.waitForFunction(() => "cloister" in globalThis);
      return { page, browser: `Chromium ${browser.version()}`, close };
    } catch (error) {
      await close();
      throw error;
    }
  } catch (error) {
    await browser.close();
    throw error;
  }
}

function appOf(bundle: string, folder: string | undefined): App {
  const app = createApp();
  app.get("/", (context) => context.html(DOCUMENT, 200, ISOLATION));
  app.get("/page.js", (context) => context.body(bundle, 200, { ...ISOLATION, "content-type": "text/javascript" }));
  if (folder === undefined) return app;
  const root = resolve(folder);
  app.get("/files/*", async (context) => {
    const path = resolve(root, decodeURIComponent(context.req.path.slice("/files/".length)));
    if (!path.startsWith(root + sep)) throw new RequestError("NOT_FOUND", "no such file");
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new RequestError("NOT_FOUND", "no such file", { cause });
    });
    return context.body(new Uint8Array(bytes), 200, { "content-type": "application/octet-stream" });
  });
  return app;
}
