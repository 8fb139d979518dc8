import { expect } from "chai";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { Migration } from "../../../offchain/store/migrations.ts";
import { copyStore, openStore, tieStore } from "../../../offchain/store/store.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { refusal } from "../../support/refusal.ts";
import { WRITER_MIGRATIONS, writeNumbers } from "../../support/store-writer.ts";

const TABLE: Migration = {
  part: "things",
  version: 1,
  sql: "CREATE TABLE things (id BIGINT PRIMARY KEY, amount NUMERIC(39, 0), bytes BYTEA, text TEXT)",
};
const MORE: Migration = { part: "things", version: 2, sql: "ALTER TABLE things ADD COLUMN extra TEXT DEFAULT 'new'" };
const WRITER = pathToFileURL("test/support/store-writer.ts").href;

describe("store", function () {
  // Making a database takes some seconds of work, and more on a busy machine.
  this.timeout(180_000);

  describe("openStore in memory", () => {
    it("gives back integers as bigint and bytes as Uint8Array", async () => {
      const store = await openStore({ memory: true }, [TABLE]);
      const most = 2n ** 128n - 1n;
      await store.query("INSERT INTO things VALUES ($1, $2, $3, $4)", [
        2n ** 63n - 1n,
        most,
        Uint8Array.of(0, 255),
        null,
      ]);
      expect(await store.query("SELECT * FROM things")).to.deep.equal([
        { id: 2n ** 63n - 1n, amount: most, bytes: Uint8Array.of(0, 255), text: null },
      ]);
      await store.close();
    });

    it("rolls a transaction back when its work throws, and refuses a wrong statement with a code", async () => {
      const store = await openStore({ memory: true }, [TABLE]);
      const fault = new Error("midway");
      const work = store.transaction(async (inside) => {
        await inside.query("INSERT INTO things (id) VALUES (1)");
        throw fault;
      });
      expect(await work.catch((error: unknown) => error)).to.equal(fault);
      expect(await store.query("SELECT id FROM things")).to.deep.equal([]);
      expect(await refusal(store.query("SELECT nothing FROM nowhere"))).to.equal("STORE_UNAVAILABLE");
      await store.close();
    });
  });

  describe("openStore in a directory", () => {
    const directory = temporaryDirectory();

    it("refuses what another holder has open", async () => {
      const store = await openStore({ dir: directory }, [TABLE]);
      expect(await refusal(openStore({ dir: directory }, [TABLE]))).to.equal("CONFIG_INVALID");
      await store.query("INSERT INTO things (id) VALUES (7)");
      await store.close();
    });

    it("flushes a write to the disk before it is acknowledged", async () => {
      const store = await openStore({ dir: directory }, [TABLE]);
      const flush = fs.fsyncSync;
      let flushes = 0;
      fs.fsyncSync = (descriptor) => {
        flushes += 1;
        flush(descriptor);
      };
      syncBuiltinESMExports();
      try {
        await store.query("INSERT INTO things (id) VALUES (8)");
        expect(flushes).to.equal(1);
      } finally {
        fs.fsyncSync = flush;
        syncBuiltinESMExports();
        await store.close();
      }
    });

    it("goes forward over what is there, and refuses a database of a newer version", async () => {
      const newer = await openStore({ dir: directory }, [TABLE, MORE]);
      expect(await newer.query("SELECT id, extra FROM things")).to.deep.equal([
        { id: 7n, extra: "new" },
        { id: 8n, extra: "new" },
      ]);
      await newer.close();
      expect(await refusal(openStore({ dir: directory }, [TABLE]))).to.equal("CONFIG_INVALID");
      expect(await refusal(openStore({ dir: directory }, WRITER_MIGRATIONS))).to.equal("CONFIG_INVALID");
    });

    it("belongs to the first scope it is tied to", async () => {
      const store = await openStore({ dir: directory }, [TABLE, MORE]);
      await tieStore(store, "31337:0xaa");
      await tieStore(store, "31337:0xaa");
      expect(await refusal(tieStore(store, "1:0xaa"))).to.equal("CONFIG_INVALID");
      await store.close();
    });

    it("copies a closed directory into a new one, and nothing else", async () => {
      const copy = join(directory, "copy");
      await copyStore(directory, copy);
      const store = await openStore({ dir: copy }, [TABLE, MORE]);
      expect(await store.query("SELECT id FROM things")).to.deep.equal([{ id: 7n }, { id: 8n }]);
      expect(await refusal(copyStore(copy, join(directory, "third")))).to.equal("CONFIG_INVALID");
      await store.close();
      expect(await refusal(copyStore(directory, copy))).to.equal("CONFIG_INVALID");
    });

    it("refuses a directory whose database cannot be read", async () => {
      const broken = join(directory, "broken");
      fs.mkdirSync(join(broken, "postgres"), { recursive: true });
      fs.writeFileSync(join(broken, "postgres", "PG_VERSION"), "9\n");
      expect(await refusal(openStore({ dir: broken }, [TABLE]))).to.equal("CONFIG_INVALID");
    });
  });

  describe("a killed process", () => {
    const directory = temporaryDirectory();

    async function killedAfter(enough: number): Promise<number> {
      const script = `import(${JSON.stringify(WRITER)}).then((m) => m.${writeNumbers.name}(${JSON.stringify(directory)}))`;
      const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      let acknowledged = 0;
      for await (const line of createInterface(child.stdout)) {
        acknowledged = Number(line);
        if (acknowledged === enough) child.kill("SIGKILL");
      }
      return acknowledged;
    }

    it("loses no acknowledged row, leaves no lock behind, and can be killed again", async () => {
      const first = await killedAfter(50);
      const half = await openStore({ dir: directory }, WRITER_MIGRATIONS);
      const kept = await half.query<{ n: bigint }>("SELECT n FROM numbers ORDER BY n");
      expect(kept.slice(0, first).map((row) => row.n)).to.deep.equal(
        Array.from({ length: first }, (_, i) => BigInt(i + 1)),
      );
      await half.query("DELETE FROM numbers");
      await half.close();
      const second = await killedAfter(20);
      const again = await openStore({ dir: directory }, WRITER_MIGRATIONS);
      const [row] = await again.query<{ count: bigint }>("SELECT count(*) FROM numbers");
      expect(Number(row?.count)).to.be.at.least(second);
      await again.close();
    });

    it("leaves nothing half-made when killed while it makes the database", async () => {
      const fresh = join(directory, "fresh");
      fs.mkdirSync(join(fresh, "postgres.unfinished", "base"), { recursive: true });
      fs.writeFileSync(join(fresh, "postgres.unfinished", "PG_VERSION"), "17\n");
      const store = await openStore({ dir: fresh }, [TABLE]);
      expect(fs.readdirSync(fresh)).to.include("postgres").and.not.include("postgres.unfinished");
      await store.close();
    });
  });
});
