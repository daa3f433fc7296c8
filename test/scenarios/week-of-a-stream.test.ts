import { Subject } from "rxjs";
import { afterEach, expect, test } from "vitest";
import { openSimulated, type SimulatedWorld } from "../../adapters/simulated/open.ts";
import { runServices } from "../../cli/run-services.ts";
import { streamsText } from "../../cli/streams-text.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { streamsIn } from "../../services/tracker/read.ts";
import { landByOthers } from "../support/lake.ts";
import { streamFile } from "../support/streams-place.ts";

const minuteMs = 60_000;
const config = "risk.clicks";

let world: SimulatedWorld;

afterEach(() => world.close());

/** A week of one stream, all services running: what happened, what was seen and decided, and why. */
test("from the first upload over crashes, another conf, lost state and commands to its removal", async () => {
  const settings = Settings.parse({
    externalClosing: { when: "at-landing" },
    tickMs: 1_000,
  });
  world = openSimulated({
    start: Date.parse("2025-10-02T00:30:00Z"),
    seed: 1,
    settings,
    behaviour: RehearsalBehaviour.parse({
      durationMs: 2 * minuteMs,
      faults: [
        { step: `${config}/streaming`, run: 3, does: "fail", message: "out of memory" },
        { step: `${config}/streaming`, run: 4, does: "fail", message: "out of memory" },
        { step: `${config}/streaming`, run: 6, does: "write-half" },
      ],
    }),
  });
  const { clock, store, configs, bus, lake, runner } = world;
  const stop = new Subject<void>();
  const pace = { reconcileMs: 60_000, beatMs: 1_000 };
  const done = runServices({ world, settings, log: silentLog, stop, pace, streams: true });

  const story: string[] = [];
  const names = new Map<string, string>();
  const time = (at: number) => new Date(at).toISOString().slice(0, 16);
  const short = (text: string): string => {
    const named = text.replaceAll(/landfall-[0-9a-f]{40}/g, (jobId) => nameOf("job", jobId));
    return named.replaceAll(/\b[0-9a-f]{32}\b/g, (id) => nameOf("flink", id));
  };
  const nameOf = (kind: string, id: string): string => {
    const known = names.get(id) ?? `${kind}-${names.size + 1}`;
    names.set(id, known);
    return known;
  };
  let lines = new Set<string>();
  /** Every change of the stream's document, in the minute it was seen. */
  const passing = async (ms: number) => {
    const until = clock.now() + ms;
    while (clock.now() < until) {
      await clock.runUntil(Math.min(until, clock.now() + 5_000));
      const now = new Set<string>();
      for (const { state, why, troubles } of await streamsIn(store)) {
        // What a healthy stream says of itself changes with each checkpoint.
        const said = state.kind === "running" ? why.replace(/chk-\d+/, "chk-N") : why;
        now.add(`${state.kind}: ${short(said)}`);
        for (const { kind, sentence } of troubles) now.add(`ALERT ${kind}: ${short(sentence)}`);
      }
      for (const line of now) if (!lines.has(line)) story.push(`${time(clock.now())}   ${line}`);
      lines = now;
    }
  };
  const happens = (what: string) => void story.push("", `${time(clock.now())} ${what}`);
  const released = async (...files: { path: string; text: string }[]) => {
    const release = await writeRelease(configs, files);
    await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  };
  const ask = async (does: object) => {
    const command = { schema: 1, id: `c${clock.now()}`, by: "ana", at: clock.now(), config };
    await bus.publish([{ ...command, ...does } as LandfallEvent]);
  };
  const endIt = async () => {
    for (const { jobId } of (await runner.streams?.running()) ?? []) await runner.cancel(jobId);
  };

  happens("a GroupBy with a topic is released; none of its days has landed");
  await released(streamFile(config));
  await passing(30 * minuteMs);
  happens("its day lands: upload, upload-to-kv");
  await landByOthers(lake, "data/events", { days: ["2025-10-01"], at: clock.now() });
  await passing(60 * minuteMs);
  happens("somebody cancels its job on the cluster");
  await endIt();
  await passing(60 * minuteMs);
  happens("its job is cancelled again; the next two fail at their second checkpoint");
  await endIt();
  await passing(60 * minuteMs);
  happens("the config changes; the next job writes half a manifest");
  await released(streamFile(config, "2"));
  await passing(30 * minuteMs);
  happens("that job ends");
  await endIt();
  await passing(60 * minuteMs);
  happens("ana begins it anew: landfall stream-deploy risk.clicks --no-state");
  await ask({ kind: "stream-deploy", state: "none" });
  await passing(30 * minuteMs);
  happens("ana stops it: landfall stream-stop risk.clicks");
  await ask({ kind: "stream-stop" });
  await passing(24 * 60 * minuteMs);
  happens("and has it go on from where it was: landfall stream-deploy risk.clicks");
  await ask({ kind: "stream-deploy", state: "latest" });
  await passing(30 * minuteMs);
  happens("landfall streams");
  story.push(streamsText(await streamsIn(store)));
  happens("its config is gone from the next release");
  await released(streamFile("risk.other"));
  await passing(30 * minuteMs);
  stop.next();
  await done;
  await expect(`${story.slice(1).join("\n")}\n`).toMatchFileSnapshot("week-of-a-stream.txt");
}, 60_000);
