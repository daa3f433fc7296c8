import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import { landByOthers } from "../support/lake.ts";
import { ended, landfall, landfallUp } from "../support/landfall.ts";
import { streamFile } from "../support/streams-place.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-cli-streams-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = "risk.clicks";
const withinMs = 20_000;

/** On this machine, from `landfall up` to a stream that was stopped and begun again. */
test("landfall streams shows a stream that runs, and what its commands do to it", async () => {
  const [configs, data, lake] = ["configs", "data", "lake"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const { path, text } = streamFile(config);
  mkdirSync(dirname(join(configs, path)), { recursive: true });
  writeFileSync(join(configs, path), text);
  const settings = join(folder, "settings.json");
  writeFileSync(
    settings,
    JSON.stringify({ externalClosing: { when: "at-landing" }, streams: { checkMs: 1_000 } }),
  );
  const seen = async (): Promise<StreamDocument | undefined> => {
    const { stdout } = await landfall("streams", config, "--data", data, "--json");
    return stdout === "" ? undefined : (JSON.parse(stdout) as StreamDocument[])[0];
  };
  const until = (kind: StreamDocument["state"]["kind"]) =>
    vi.waitFor(async () => expect((await seen())?.state.kind).toBe(kind), {
      timeout: withinMs,
      interval: 200,
    });
  const up = landfallUp({ configs, data, lake, settings, "job-ms": "50" });
  try {
    await until("waiting");
    const unknown = await landfall("stream-deploy", "risk.unknown", "--data", data);
    expect(unknown).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("refused: no stream"),
    });
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const store = directoryObjectStore({ root: lake });
    await landByOthers(store, "data/events", { days: [yesterday], at: Date.now() });
    await store.close();
    await until("running");
    const asked = await landfall("stream-stop", config, "--data", data, "--by", "ana");
    expect(asked.stdout).toBe(`accepted: landfall streams ${config} shows what it does\n`);
    await until("held");
    expect((await landfall("streams", "--data", data)).stdout).toContain("stopped by ana");
    await landfall("stream-deploy", config, "--data", data, "--by", "ana");
    await until("running");
    const shown = await landfall("streams", config, "--data", data);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(
      /attempt 2 .*, from checkpoints\/[0-9a-f]{32}\/chk-1; deployed by ana/,
    );
    await landfall("stream-deploy", config, "--no-state", "--data", data, "--by", "ana");
    await vi.waitFor(
      async () => expect((await seen())?.attempts.at(-1)?.attempt).toBe(3),
      withinMs,
    );
    expect((await seen())?.attempts.at(-1)?.from).toBeNull();
    expect(up.output()).toContain(`stream of ${config} running`);
  } finally {
    up.kill("SIGTERM");
    await ended(up);
  }
}, 120_000);
