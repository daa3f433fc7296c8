import type { Settings } from "../../schemas/settings.ts";
import { own } from "../own.ts";

/** Whether the streams of a team are left to others, where Landfall keeps streams at all. */
export function areLeftToOthers({ teams }: Pick<Settings, "teams">, team: string): boolean {
  return own(teams, team)?.streams === "others";
}
