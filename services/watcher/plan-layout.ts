import { z } from "zod";
import { type LakeLayout, lakeLayout } from "../../core/lake-layout.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { currentPlan, planJson } from "../../releases/stored-plan.ts";
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
      const { body: current } = await currentPlan(store);
      if (current === null || current.hash === hash) return false;
      const { tables } = PlanTables.parse(await planJson(configs, current.hash));
      layout = lakeLayout(tables, settings.tables);
      hash = current.hash;
      return true;
    },
  };
}
