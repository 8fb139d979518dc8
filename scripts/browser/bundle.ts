import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";

const PAGE = fileURLToPath(new URL("page.ts", import.meta.url));

/** It imports Node's WebCrypto only where there is no global one, so never in a browser. */
const NEVER_REACHED = /\/node_modules\/@hpke\/common\//;

/** Refuses what only Node has, which a bundler would otherwise replace by an empty module. */
const NO_NODE: Plugin = {
  name: "no-node",
  enforce: "pre",
  resolveId(specifier, importer) {
    if (!isBuiltin(specifier)) return null;
    if (NEVER_REACHED.test(importer ?? "")) return { id: specifier, external: true };
    throw new Error(`${importer ?? "the page"} imports ${specifier}, which no browser has`);
  },
};

/** The page's code as one module for browsers; rejects where anything in its import graph needs Node. */
export async function bundlePage(entry = PAGE): Promise<string> {
  const result = await build({
    configFile: false,
    envFile: false,
    publicDir: false,
    logLevel: "error",
    plugins: [NO_NODE],
    build: { write: false, target: "es2024", modulePreload: false, rolldownOptions: { input: entry } },
  });
  const outputs = "output" in result ? result.output : [];
  const [chunk, ...others] = outputs;
  if (chunk?.type !== "chunk" || others.length > 0) throw new Error("the page did not become one module");
  return chunk.code;
}
