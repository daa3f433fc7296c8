import { afterEach, describe, expect, test } from "vitest";
import { metadataRowKey } from "../../core/metadata.ts";
import type { MetadataDocument } from "../../schemas/metadata.ts";
import { joinFiles, type MetadataPlace, metadataPlace, table } from "../support/metadata-place.ts";

let at: MetadataPlace;

afterEach(() => at.close());

describe("rows whose configs are gone", () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`risk.j${n}`, "1"]));
  const rest = (dropped: number) => Object.fromEntries(Object.entries(many).slice(dropped));

  test("stay by default, and are named; they are served on", async () => {
    at = metadataPlace();
    await at.release(many);
    at.start("one");
    await at.pass(3_000);
    await at.release(rest(1));
    await at.pass(3_000);
    expect(await at.served(["risk.j0"])).toEqual({ "risk.j0": "1" });
    expect((await at.head())?.remark).toBe(
      "the row joins/risk.j0, whose config is gone, is no longer refreshed; table CHRONON_METADATA drops nothing by age: somebody has to delete it there",
    );
  });

  test("are deleted where that is asked for, but not many at once and not what others wrote", async () => {
    at = metadataPlace({ metadata: { removal: "delete" } });
    await at.release(many);
    at.start("one");
    await at.pass(3_000);
    const foreign = joinFiles({ "risk.j1": "foreign" })[0]?.text ?? "";
    const key = metadataRowKey(table, "joins/risk.j1");
    await at.keyValueStore.write(table, [
      { key, value: Buffer.from(foreign), timestamp: at.clock.now() },
    ]);
    await at.release(rest(2));
    await at.pass(3_000);
    expect(await at.served(["risk.j0", "risk.j1", "risk.j2"])).toEqual({
      "risk.j1": "foreign",
      "risk.j2": "1",
    });
    await at.release(rest(20));
    await at.pass(3_000);
    expect(Object.keys(await at.served(Object.keys(many)))).toHaveLength(39);
    expect((await at.head())?.remark).toContain("18 rows, joins/risk.j10 for one,");
    expect((await at.head())?.remark).toContain(
      "more than may be deleted without a command (1, of 38;",
    );
  });

  test("are deleted however many when somebody names them, within a second of being asked", async () => {
    at = metadataPlace();
    await at.release(many);
    const uploads = at.start("one");
    await at.pass(3_000);
    await at.release(rest(20));
    await at.pass(3_000);
    const asked = ["joins/risk.j0", "joins/risk.j1", "joins/risk.j30"];
    const read = (await at.store.read(["metadata/current"])).get("metadata/current");
    const body = { ...(read?.body as MetadataDocument), asked };
    const write = { id: "metadata/current", body, version: read?.version ?? null } as const;
    expect(await at.store.commit({ writes: [write], checks: [] })).toMatchObject({
      kind: "committed",
    });
    uploads.nudge();
    await at.pass(2_000);
    expect(await at.served(["risk.j0", "risk.j1", "risk.j2", "risk.j30"])).toEqual({
      "risk.j2": "1",
      "risk.j30": "1",
    });
    expect(Object.keys(await at.rows())).toHaveLength(38);
    expect(await at.head()).toMatchObject({ asked: [], writing: null });
    expect((await at.head())?.remark).toContain("18 rows, joins/risk.j10 for one,");
  });
});
