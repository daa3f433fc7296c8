import type { Command } from "../schemas/commands.ts";

/** Why a run is there that somebody asked for. */
export function commandedBecause(command: Command): string {
  return `${command.kind === "task-retry" ? "retry" : "backfill"} by ${command.by}`;
}

/**
 * Whether a run was asked for: then no newer day makes it needless and no schedule holds it back.
 */
export function isCommanded(because: string | null): boolean {
  return because !== null && /^(?:retry|backfill) by /.test(because);
}
