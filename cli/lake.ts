import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import type { Deployment } from "../schemas/deployment.ts";
import { linesLog } from "./lines-log.ts";

/** The lake of the world that the settings name, or the folder that was named. */
export async function lakeOf(settings: Deployment, folder: string | undefined) {
  if (settings.world === "embedded" || folder !== undefined) {
    const root = folder ?? settings.lake;
    return { store: directoryObjectStore({ root }), where: root };
  }
  const { openLake } = await import("../adapters/gcp/open.ts");
  const store = openLake(settings, linesLog(process.stderr));
  return { store, where: settings.gcp?.lake ?? "" };
}
