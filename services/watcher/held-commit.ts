import { commitObject, type FoundCommit } from "../../lake/delta-log.ts";
import type { Followed, Following } from "./followed.ts";

/** A commit that is there and cannot be read, or one that is missing between others. */
export type Problem = Exclude<FoundCommit, { kind: "commit" | "absent" }>;

export function missing(version: number): Problem {
  return { kind: "unreadable", message: "is missing", version, generation: 0 };
}

/** Remembers a commit that cannot be read; true when patience with it is at an end. */
export function hold(
  { log, clock, patienceMs }: Following,
  table: Followed,
  { path, problem }: { readonly path: string; readonly problem: Problem },
): boolean {
  const { version, generation, message } = problem;
  const { held } = table;
  if (held?.version === version && held.generation === generation) {
    return problem.kind === "unreadable" && clock.now() - held.since >= patienceMs;
  }
  table.held = { version, generation, since: clock.now() };
  const object = commitObject(path, version);
  log.error(
    { table: table.table.name, object },
    problem.kind === "unreadable"
      ? `${object} ${message}; it is read again when it changes, and later commits of the table wait for it for ${Math.round(patienceMs / 1_000)} s`
      : `${object} ${message}: the table's landings are not seen; land them by hand or update Landfall`,
  );
  return false;
}
