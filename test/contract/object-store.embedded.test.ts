import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { filter, firstValueFrom, take, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { bringsNews } from "../../core/lake-layout.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import { describeObjectStore } from "./object-store.contract.ts";

const temporary = () => mkdtempSync(join(tmpdir(), "landfall-objects-"));

describeObjectStore("directory", async () => {
  const root = temporary();
  return {
    store: directoryObjectStore({ root }),
    again: async () => directoryObjectStore({ root }),
    async close() {
      rmSync(root, { recursive: true });
    },
  };
});

/** Prints the notifications and warnings of a folder. */
const script = fileURLToPath(new URL("../support/notify.ts", import.meta.url));

/** The limit of one user namespace, so that a test lowers it for nobody else. */
const limit = "/proc/sys/user/max_inotify_watches";
const cannotLimit = spawnSync("unshare", ["-Ur", "sh", "-c", `echo 4 > ${limit}`]).status !== 0;
if (cannotLimit)
  console.log("skipped: user namespaces cannot be made here, so no limit of watches");

describe("directory object store", () => {
  let root: string;
  beforeEach(() => {
    root = temporary();
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const named = (store: ObjectStore, ...names: string[]): Promise<ObjectNotification[]> =>
    firstValueFrom(
      store.notifications().pipe(
        filter(({ name }) => names.includes(name)),
        take(names.length),
        toArray(),
      ),
    );

  /** Resolves once the folder's watch is there: an object made in it was notified. */
  const watching = async (store: ObjectStore, folder: string) => {
    const probe = `${folder}probe`;
    const seen = named(store, probe);
    writeFileSync(join(root, probe), "");
    await seen;
  };

  test("a foreign rename is notified with its size", async () => {
    const store = directoryObjectStore({ root });
    mkdirSync(join(root, "db/t/_delta_log"), { recursive: true });
    const seen = named(store, "db/t/_delta_log/0.json");
    writeFileSync(join(root, ".tmp-0"), "12345");
    renameSync(join(root, ".tmp-0"), join(root, "db/t/_delta_log/0.json"));
    expect(await seen).toMatchObject([{ size: 5 }]);
  });

  test("a tree moved in whole is notified, whatever its files' age", async () => {
    const elsewhere = temporary();
    mkdirSync(join(elsewhere, "t/_delta_log"), { recursive: true });
    writeFileSync(join(elsewhere, "t/_delta_log/0.json"), "old");
    utimesSync(join(elsewhere, "t/_delta_log/0.json"), 1_000_000, 1_000_000);
    const store = directoryObjectStore({ root });
    const hold = store.notifications().subscribe();
    await watching(store, "");
    const seen = named(store, "t/_delta_log/0.json");
    renameSync(join(elsewhere, "t"), join(root, "t"));
    expect(await seen).toMatchObject([{ size: 3, updatedAt: 1_000_000_000 }]);
    hold.unsubscribe();
    rmSync(elsewhere, { recursive: true });
  });

  test("a file written in place is notified again once it rested", async () => {
    const store = directoryObjectStore({ root });
    const hold = store.notifications().subscribe();
    await watching(store, "");
    const whole = firstValueFrom(
      store.notifications().pipe(filter(({ name, size }) => name === "slow.json" && size === 8)),
    );
    writeFileSync(join(root, "slow.json"), "half");
    appendFileSync(join(root, "slow.json"), "rest");
    expect(await whole).toMatchObject({ name: "slow.json" });
    hold.unsubscribe();
  });

  test("a folder removed and made again is watched again", async () => {
    const store = directoryObjectStore({ root });
    const hold = store.notifications().subscribe();
    for (let life = 0; life < 3; life += 1) {
      const seen = named(store, "db/t/x");
      mkdirSync(join(root, "db/t"), { recursive: true });
      writeFileSync(join(root, "db/t/x"), String(life));
      await seen;
      rmSync(join(root, "db"), { recursive: true });
    }
    hold.unsubscribe();
  });

  test("a root that does not exist yet is watched when it comes", async () => {
    const late = join(root, "late");
    const store = directoryObjectStore({ root: late, reconcileMs: 20 });
    const seen = named(store, "a/b");
    await store.write("a/b", Buffer.from("x"));
    expect(await seen).toMatchObject([{ size: 1 }]);
  });

  test("a race of mkdir -p and rename by another process loses no file", async () => {
    const store = directoryObjectStore({ root });
    const missing = new Set(Array.from({ length: 300 }, (_, at) => `d${at}/e/f/${at}.json`));
    const all = firstValueFrom(
      store.notifications().pipe(filter(({ name }) => missing.delete(name) && missing.size === 0)),
    );
    const script = `
      const fs = require("node:fs");
      for (let at = 0; at < 300; at += 1) {
        fs.mkdirSync("d" + at + "/e/f", { recursive: true });
        fs.writeFileSync("tmp", "x");
        fs.renameSync("tmp", "d" + at + "/e/f/" + at + ".json");
      }`;
    execFileSync(process.execPath, ["-e", script], { cwd: root });
    await all;
    expect([...missing]).toEqual([]);
  });

  test("folders beside a Delta log need no watch", async () => {
    const store = directoryObjectStore({ root, watched: bringsNews });
    mkdirSync(join(root, "db/t/_delta_log"), { recursive: true });
    mkdirSync(join(root, "db/t/ds=2025-09-30"));
    const seen: string[] = [];
    const hold = store.notifications().subscribe(({ name }) => seen.push(name));
    await watching(store, "db/t/_delta_log/");
    mkdirSync(join(root, "db/t/ds=2025-10-01"));
    writeFileSync(join(root, "db/t/ds=2025-09-30/part-0.parquet"), "x");
    writeFileSync(join(root, "db/t/ds=2025-10-01/part-0.parquet"), "x");
    await watching(store, "db/t/_delta_log/");
    expect(new Set(seen)).toEqual(new Set(["db/t/_delta_log/probe"]));
    hold.unsubscribe();
  });

  test("links to files are objects, links to folders are not followed", async () => {
    const store = directoryObjectStore({ root });
    await store.write("a/real", Buffer.from("x"));
    symlinkSync(join(root, "a/real"), join(root, "a/link"));
    symlinkSync(root, join(root, "a/circle"));
    symlinkSync(join(root, "nowhere"), join(root, "a/dangling"));
    symlinkSync("loop", join(root, "a/loop"));
    expect((await store.list("")).map(({ name }) => name)).toEqual(["a/link", "a/real"]);
  });

  test("a named pipe or a folder is no object, and is not waited for", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    const store = directoryObjectStore({ root });
    expect(await store.read("pipe")).toBeNull();
    expect(await store.list("")).toEqual([]);
    mkdirSync(join(root, "folder"));
    await expect(store.write("folder", Buffer.from("x"))).rejects.toThrow(PermanentError);
    await expect(store.write("folder", Buffer.from("x"), { ifAbsent: true })).rejects.toThrow(
      "a folder lies where a file is needed",
    );
  });

  test("nothing unfinished stays behind, and what another writer has in hand is left alone", async () => {
    const folder = join(root, ".landfall-unfinished");
    mkdirSync(folder);
    writeFileSync(join(folder, "young"), "x");
    const store = directoryObjectStore({ root });
    await store.write("a", Buffer.from("x"));
    await store.write("a", Buffer.from("y"), { ifAbsent: true });
    await store.write("b", Buffer.from("y"), { ifAbsent: true });
    expect(readdirSync(folder)).toEqual(["young"]);
    expect((await store.list("")).map(({ name }) => name)).toEqual(["a", "b"]);
    await expect(store.read(".landfall-unfinished/young")).rejects.toThrow(PermanentError);
  });

  test("a name too long for the file system is refused in one line", async () => {
    const store = directoryObjectStore({ root });
    await expect(store.write("x".repeat(300), Buffer.from(""))).rejects.toThrow(
      "the name is longer than the file system takes",
    );
    expect(existsSync(join(root, "x"))).toBe(false);
  });

  test.skipIf(cannotLimit)(
    "a folder without the right to read it is told, and seen with it",
    async () => {
      mkdirSync(join(root, "db/secret"), { recursive: true });
      writeFileSync(join(root, "db/secret/x"), "x");
      chmodSync(join(root, "db/secret"), 0o000);
      // Even root has no special rights inside a namespace it is not mapped into.
      const child = spawn("unshare", ["-U", process.execPath, "--import", "tsx", script, root]);
      const lines: string[] = [];
      await new Promise<void>((resolve, reject) => {
        createInterface(child.stdout).on("line", (line) => {
          lines.push(line);
          if (line.startsWith("warning")) chmodSync(join(root, "db/secret"), 0o755);
          if (line === "db/secret/x") resolve();
        });
        child.on("exit", (code) => reject(new Error(`ended with ${code}`)));
      });
      child.kill();
      expect(lines.filter((line) => line.startsWith("warning"))).toEqual([
        "warning cannot watch db/secret/: permission denied; give this user the right to it",
      ]);
    },
  );

  test.skipIf(cannotLimit)(
    "folders beyond the kernel's limit of watches are looked at",
    async () => {
      for (let at = 0; at < 8; at += 1) mkdirSync(join(root, `db/t${at}`), { recursive: true });
      const command = `echo 4 > ${limit} && exec "$0" --import tsx ${script} ${root}`;
      const child = spawn("unshare", ["-Ur", "sh", "-c", command, process.execPath]);
      const lines: string[] = [];
      const expected = new Set<string>();
      const told = new Promise<void>((resolve, reject) => {
        createInterface(child.stdout).on("line", (line) => {
          lines.push(line);
          expected.delete(line);
          if (line.startsWith("warning")) {
            for (let at = 0; at < 8; at += 1) {
              expected.add(`db/t${at}/new/x`);
              mkdirSync(join(root, `db/t${at}/new`));
              writeFileSync(join(root, `db/t${at}/new/x`), "x");
            }
          } else if (expected.size === 0 && line !== "ready") resolve();
        });
        child.on("exit", (code) => reject(new Error(`ended with ${code}`)));
      });
      await told;
      child.kill();
      expect(lines.filter((line) => line.startsWith("warning"))).toEqual([
        expect.stringMatching(/the kernel watches no more folders \(ENOSPC.*max_user_watches$/),
      ]);
    },
  );
});
