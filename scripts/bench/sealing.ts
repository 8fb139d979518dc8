import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import type { SealingKey } from "../../offchain/sealing/hpke.ts";
import type { Figure } from "../figures/report.ts";
import type { Case } from "./clock.ts";
import { createSealingKey, openRequest, sealRequest } from "../../offchain/sealing/request.ts";
import { openResponse, sealResponse } from "../../offchain/sealing/response.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { cpuTimes } from "./clock.ts";

const PEER = "@hpke/core 1.9.0, one message";
const BUDGET_MS = 30_000;
const CHANNEL_ID: Hex = `0x${"c1".repeat(32)}`;
const EXPORT = new TextEncoder().encode("cloister/response/v1");

/** Bytes of content; 602 KB is an image of 224 x 224 pixels in three channels of 32-bit floats. */
const SIZES = [
  { name: "1 KB", length: 1024 },
  { name: "64 KB", length: 65_536 },
  { name: "602 KB", length: 224 * 224 * 3 * 4 },
] as const;

interface Subject {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** Both ends of a sealed exchange beside a plain HPKE message of the same content: CPU milliseconds each. */
export async function benchSealing(): Promise<readonly Figure[]> {
  const subjects = await Promise.all(SIZES.map(subjectOf));
  const times = await cpuTimes(
    subjects.flatMap(({ cases }) => cases),
    BUDGET_MS,
  );
  const timeOf = (name: string): number => roundTo(times.get(name) ?? Number.NaN, 3);
  const peer = (name: string) => ({ name: PEER, value: timeOf(name) });
  return SIZES.flatMap(({ name }) => {
    const figure = (what: string, against: Parameters<typeof figureOf>[1] = {}): Figure =>
      figureOf({ what: `${what} of ${name}`, value: timeOf(`${what} of ${name}`), unit: "ms CPU" }, against);
    const target = name === "1 KB" ? 0.2 : undefined;
    return [
      figure("client seals a request", { peer: peer(`peer seals ${name}`) }),
      figure("worker opens a request", { peer: peer(`peer opens ${name}`) }),
      figure("worker seals a response"),
      figure("worker opens a request and seals a response", { target }),
      figure("client opens a response"),
    ];
  });
}

async function subjectOf({ name, length }: (typeof SIZES)[number]): Promise<Subject> {
  const content = new Uint8Array(length).fill(7);
  const key = await createSealingKey();
  const { sealed, context } = await sealRequest({ ...request(key), content });
  const response = await sealResponse(context, content);
  const open = () => openRequest(sealed, () => key);
  const answer = () => sealResponse(context, content);
  const runs = {
    [`client seals a request of ${name}`]: () => sealRequest({ ...request(key), content }),
    [`worker opens a request of ${name}`]: open,
    [`worker seals a response of ${name}`]: answer,
    [`worker opens a request and seals a response of ${name}`]: async () => [await open(), await answer()],
    [`client opens a response of ${name}`]: () => openResponse(context, response),
  };
  const cases = Object.entries(runs).map(([caseName, run]) => ({ name: caseName, prepare: () => run }));
  return { name, cases: [...cases, ...(await peerCases(name, content))] };
}

function request({ publicKey }: SealingKey) {
  return { sealingKey: publicKey, keyEpoch: 1, channelId: CHANNEL_ID };
}

/** The peer's part: one message, and one exported secret as ours. */
async function peerCases(name: string, content: Uint8Array): Promise<readonly Case[]> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const { publicKey, privateKey } = await suite.kem.generateKeyPair();
  const seal = async () => {
    const sender = await suite.createSenderContext({ recipientPublicKey: publicKey });
    const sealed = await sender.seal(content);
    return { enc: sender.enc, sealed, secret: await sender.export(EXPORT, 32) };
  };
  const { enc, sealed } = await seal();
  const open = async () => {
    const recipient = await suite.createRecipientContext({ recipientKey: privateKey, enc });
    return { opened: await recipient.open(sealed), secret: await recipient.export(EXPORT, 32) };
  };
  return [
    { name: `peer seals ${name}`, prepare: () => seal },
    { name: `peer opens ${name}`, prepare: () => open },
  ];
}
