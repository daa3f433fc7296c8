import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256Hex } from "../../core/hash.ts";
import { wantedHash } from "../../core/streams/decide.ts";
import { StreamDocument } from "../../schemas/streams.ts";
import { minuteMs, planStream, streamStory } from "../support/stream-story.ts";

/** What may happen to a stream and around it, in any order. */
type Happening =
  | { readonly kind: "pass"; readonly seconds: number }
  | { readonly kind: "look"; readonly by: string }
  /** Decided and committed; whoever did so dies before it is carried out. */
  | { readonly kind: "crash"; readonly by: string }
  | { readonly kind: "healthy" }
  | { readonly kind: "end" }
  | { readonly kind: "by-hand" }
  | { readonly kind: "conf"; readonly hash: string }
  | { readonly kind: "broken" }
  | { readonly kind: "ask"; readonly does: "deploy" | "deploy-without-state" | "stop" };

const by = fc.constantFrom("one", "two");
const happening: fc.Arbitrary<Happening> = fc.oneof(
  weighted(4, fc.record({ kind: fc.constant("pass" as const), seconds: fc.nat(1_500) })),
  weighted(6, fc.record({ kind: fc.constant("look" as const), by })),
  weighted(2, fc.record({ kind: fc.constant("crash" as const), by })),
  weighted(3, fc.constant({ kind: "healthy" as const })),
  weighted(2, fc.constant({ kind: "end" as const })),
  weighted(1, fc.constant({ kind: "by-hand" as const })),
  weighted(
    1,
    fc.record({ kind: fc.constant("conf" as const), hash: fc.constantFrom("conf-1", "conf-2") }),
  ),
  weighted(1, fc.constant({ kind: "broken" as const })),
  weighted(
    1,
    fc.record({
      kind: fc.constant("ask" as const),
      does: fc.constantFrom("deploy" as const, "deploy-without-state" as const, "stop" as const),
    }),
  ),
);

function weighted(weight: number, arbitrary: fc.Arbitrary<Happening>) {
  return { weight, arbitrary };
}

/** A story whose jobs are known to the test, with what it knows of them. */
function watched() {
  const at = streamStory();
  return {
    at,
    live: new Set<string>(),
    newest: null as number | null,
    byHand: 0,
    conf: "conf-1",
    anew: false,
  };
}
type Watched = ReturnType<typeof watched>;

function happen(of: Watched, what: Happening): void {
  const { at, live } = of;
  switch (what.kind) {
    case "pass":
      return at.pass(what.seconds * 1_000);
    case "look":
    case "crash":
      return checkedLook(of, what);
    case "healthy":
      return checkpoint(of);
    case "end":
      for (const jobId of live) at.end(jobId);
      return live.clear();
    case "by-hand":
      of.byHand += 1;
      at.begin(`by-hand-${of.byHand}`);
      live.add(`by-hand-${of.byHand}`);
      return;
    case "conf":
      of.conf = what.hash;
      return at.want(planStream({ conf: { path: "p", hash: of.conf } }));
    case "broken":
      return at.rawManifest("flinkJobId=");
    case "ask":
      return at.ask(what.does);
  }
}

/** Whichever job runs writes its manifest and its next checkpoint. */
function checkpoint(of: Watched): void {
  const [jobId] = [...of.live].slice(-1);
  if (jobId === undefined) return;
  const flinkJob = sha256Hex(jobId).slice(0, 32);
  of.newest = (of.newest ?? 0) + 1;
  of.at.pass(1_000);
  of.at.manifest(jobId, flinkJob);
  of.at.checkpoint(flinkJob, of.newest);
}

/** Looks, and compares what is decided with what was so before. */
function checkedLook(
  of: Watched,
  { kind, by }: { readonly kind: string; readonly by: string },
): void {
  const { at, live } = of;
  const asked = at.has() ? at.document().asked : null;
  const attempts = at.has() ? at.document().attempts.length : 0;
  const begun = at.begun.length;
  const wanted = wantedHash(planStream({ conf: { path: "p", hash: of.conf } }));
  const current = at.has() ? at.last() : undefined;
  const decision = kind === "look" ? at.lookAndAct(by) : at.decide(by);
  StreamDocument.parse(at.document());
  if (decision?.action.kind === "cancel") {
    // S3
    const isOther = current?.wanted !== wanted;
    const goesOn = current?.asked === true;
    expect(asked !== null || isOther || goesOn, `ended by a check: ${at.why()}`).toBe(true);
    const { jobIds } = decision.action;
    if (asked === null) expect(jobIds.filter((jobId) => jobId.startsWith("by-hand"))).toEqual([]);
    if (kind === "look") for (const jobId of jobIds) live.delete(jobId);
  }
  if (at.document().attempts.length > attempts) checkedClaim(of, asked?.does);
  if (at.begun.length > begun) {
    // S2
    expect([...live], `begun beside another: ${at.why()}`).toEqual([]);
    live.add(at.begun.at(-1) ?? "");
  }
}

/** S4: from the newest checkpoint that anybody completed, unless somebody wanted it otherwise. */
function checkedClaim(of: Watched, asked: string | undefined): void {
  const { at, newest } = of;
  const { from, jobId } = at.last() ?? {};
  const everAnew = asked === "deploy-without-state" || of.anew;
  if (from === null) expect(newest === null || everAnew, `state dropped by ${jobId}`).toBe(true);
  if (from !== null && from !== undefined && !everAnew) expect(from.n).toBe(newest);
  if (asked === "deploy-without-state") of.anew = true;
}

test("S2, S3, S4 hold whatever happens, and in the end one job runs or a person is waited for", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const of = watched();
      for (const each of happenings) happen(of, each);
      for (let look = 0; look < 12; look += 1) {
        of.at.pass(35 * minuteMs);
        happen(of, { kind: "look", by: "one" });
        if (of.live.size === 1) checkpoint(of);
      }
      const { state, troubles } = of.at.document();
      const waits = troubles.some(
        ({ kind }) => kind !== "stream-flapping" && kind !== "stream-down",
      );
      if (state.kind !== "held" && !waits) expect(of.live.size, of.at.why()).toBe(1);
    }),
    { numRuns: 2_000 },
  );
});
