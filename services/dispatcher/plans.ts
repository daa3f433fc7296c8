import { compile } from "../../core/compile/compile.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { Plan, type PlanDocument, type PlanProblem, ReleaseManifest } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";

/** The plan that decides, and changing it by a release. */
export interface Plans {
  /** The plan as last read; null when none was. */
  current(): PlanIndex | null;
  /** Reads which plan is current, and the plan when it is another. */
  refresh(): Promise<PlanIndex | null>;
  /**
   * Compiles a complete release and makes its plan current; doing it twice does nothing. Answers the
   * problems found in it. Throws `PermanentError` when the release is not complete.
   */
  release(release: string): Promise<readonly PlanProblem[]>;
}

export interface PlansOptions {
  readonly store: TaskStore;
  /** Holds `releases/`, `confs/` and `plans/`. */
  readonly configs: ObjectStore;
  readonly settings: Settings;
  readonly now: () => number;
}

export function plansOf({ store, configs, settings, now }: PlansOptions): Plans {
  let loaded: PlanIndex | null = null;

  const pointer = async () => {
    const read = (await store.read(["plans/current"])).get("plans/current");
    return { version: read?.version ?? null, body: (read?.body ?? null) as PlanDocument | null };
  };

  const refresh = async () => {
    const { body } = await pointer();
    if (body === null) return null;
    if (loaded?.plan.hash !== body.hash) loaded = indexPlan(await readPlan(configs, body.hash));
    return loaded;
  };

  return {
    current: () => loaded,
    refresh,
    async release(release) {
      const files = await readRelease(configs, release);
      for (;;) {
        const before = await pointer();
        const previous = before.body === null ? null : await readPlan(configs, before.body.hash);
        const plan = compile({ files, settings, ...(previous === null ? {} : { previous }) });
        if (before.body?.hash === plan.hash) return plan.problems;
        await configs.write(`plans/${plan.hash}.json`, bytesOf(plan));
        const body: PlanDocument = { schema: 1, hash: plan.hash, release, at: now() };
        const answer = await store.commit({
          writes: [{ id: "plans/current", body, version: before.version }],
          checks: [],
        });
        if (answer.kind === "committed") return plan.problems;
      }
    },
  };
}

async function readPlan(configs: ObjectStore, hash: string): Promise<Plan> {
  const object = await configs.read(`plans/${hash}.json`);
  if (object === null) {
    throw new PermanentError(
      `plans/${hash}.json is not in the configs store; release the configs again`,
    );
  }
  return Plan.parse(JSON.parse(Buffer.from(object.bytes).toString("utf8")));
}

async function readRelease(configs: ObjectStore, release: string): Promise<ConfigFile[]> {
  const name = `releases/${release}.json`;
  const object = await configs.read(name);
  if (object === null) throw new PermanentError(`${name} is not in the configs store`);
  const manifest = ReleaseManifest.parse(JSON.parse(Buffer.from(object.bytes).toString("utf8")));
  const files: ConfigFile[] = [];
  for (const { path, hash } of manifest.files) {
    const conf = await configs.read(`confs/${hash}/${path.slice(path.lastIndexOf("/") + 1)}`);
    if (conf === null)
      throw new PermanentError(`release ${release} is not complete: ${path} is missing`);
    files.push({ path, hash, text: Buffer.from(conf.bytes).toString("utf8") });
  }
  return files;
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
