import { z } from "zod";
import { type LakeLayout, lakeLayout } from "../../core/lake-layout.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { PlanTable } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";

/** The layout of the tables of the plan that decides. */
export interface PlanLayout {
  current(): LakeLayout | null;
  /** Reads which plan is current; true when it is another one than before. */
  refresh(): Promise<boolean>;
}

export interface PlanLayoutPorts {
  readonly store: TaskStore;
  /** Holds `plans/{hash}.json`. */
  readonly configs: ObjectStore;
  readonly settings: Settings;
}

/** The part of a plan that the watcher cares for. */
const PlanTables = z.object({ tables: z.array(PlanTable) });

export function planLayout({ store, configs, settings }: PlanLayoutPorts): PlanLayout {
  let layout: LakeLayout | null = null;
  let hash: string | null = null;
  return {
    current: () => layout,
    async refresh() {
      const read = (await store.read(["plans/current"])).get("plans/current");
      const current = read?.body as { readonly hash: string } | null | undefined;
      if (current == null || current.hash === hash) return false;
      const object = await configs.read(`plans/${current.hash}.json`);
      if (object === null) return false;
      const { tables } = PlanTables.parse(JSON.parse(Buffer.from(object.bytes).toString("utf8")));
      layout = lakeLayout(tables, settings.tables);
      hash = current.hash;
      return true;
    },
  };
}
