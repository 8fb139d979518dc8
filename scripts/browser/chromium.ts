import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { ConfigError } from "../../offchain/errors.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Where Chromium is: `CHROMIUM_PATH`, or the first on `PATH`; throws `ConfigError` `CONFIG_MISSING`. */
export function findChromium(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { CHROMIUM_PATH: chosen, PATH: path = "" } = environment;
  const candidates = chosen
    ? [chosen]
    : path.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new ConfigError("CONFIG_MISSING", chosen ? `${chosen} is no program` : "there is no Chromium on PATH", {
    next: "Run `apt-get install chromium`, or set CHROMIUM_PATH to the program.",
  });
}

/** Starts Chromium without a window and without its own sandbox, which root cannot have: it only ever loads our page. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), headless: true, args: ["--disable-dev-shm-usage"] });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
