import type { App } from "../http/server.ts";
import type { Log } from "../log.ts";
import type { Verdicts } from "../store/verdicts.ts";
import type { Relayer } from "./relayer.ts";
import { parseHex, toHex } from "../encoding/bytes.ts";
import { CloisterError, RequestError } from "../errors.ts";
import { createApp } from "../http/server.ts";
import { parseVerdict } from "../verifier/verdict-json.ts";
import { verdictAnswer } from "./peers.ts";

/** The relayer's public face: its signed verdicts and its status. @see docs/protocol.md section 9 */
export function relayerApp(relayer: Relayer, verdicts: Verdicts, log: Log): App {
  const app = createApp({
    maxBodyBytes: 1024,
    onError: (error, path) => {
      if (!(error instanceof CloisterError)) log.error({ path, err: error }, "a fault while answering");
    },
  });
  app.get("/v1/status", async (context) => context.json(await relayer.status()));
  app.get("/v1/verdicts/:nodeId", async (context) => {
    const nodeId = parseHex(context.req.param("nodeId"), 32);
    if (nodeId === undefined) throw new RequestError("REQUEST_INVALID", "a node id is 32 bytes of 0x-hex");
    const signed = await verdicts.latest(toHex(nodeId));
    if (signed === undefined) throw new RequestError("NOT_FOUND", "no verdict for this node");
    return context.json(verdictAnswer(parseVerdict(JSON.parse(signed.verdict)), signed));
  });
  return app;
}
