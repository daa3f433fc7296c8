import { areLeftToOthers } from "../../../core/streams/by.ts";
import type { DocumentVersion, Read } from "../../../ports/task-store.ts";
import type { DocumentOf } from "../../../schemas/documents.ts";
import type { Plan, PlanStream } from "../../../schemas/plan.ts";
import type { StreamPorts } from "./ports.ts";

/** Which streams there are: those that the plan wants, and those that have a document. */
export interface Register {
  readonly configs: readonly string[];
  /** By config; without those that are left to others. */
  readonly wanted: ReadonlyMap<string, PlanStream>;
  /** The plan's, when this was read: nothing is committed under another. */
  readonly planVersion: DocumentVersion | null;
  /** The documents of streams. */
  read(configs: readonly string[]): Promise<ReadonlyMap<string, Read<`streams/${string}`>>>;
}

const index = "streaming/all";
const readMax = 400;

/**
 * Reads which streams there are, and names those that are new in `streaming/all` before they have a
 * document: so that one whose config goes is still found.
 */
export async function readRegister(
  ports: StreamPorts,
  plan: Plan,
): Promise<Register | "other-plan"> {
  const { store, settings } = ports;
  const planned = plan.streams ?? [];
  const isOurs = ({ team }: PlanStream) => !areLeftToOthers(settings, team);
  const wanted = new Map(planned.filter(isOurs).map((stream) => [stream.config, stream]));
  const others = new Set(planned.flatMap((stream) => (isOurs(stream) ? [] : [stream.config])));
  const read = await store.read(["plans/current", index]);
  const current = read.get("plans/current");
  if ((current?.body as DocumentOf<"plans/current"> | null)?.hash !== plan.hash) {
    return "other-plan";
  }
  const named = read.get(index);
  const before = (named?.body as DocumentOf<typeof index> | null)?.configs ?? [];
  const configs = [...new Set([...before, ...wanted.keys()])].toSorted();
  if (configs.length > before.length) {
    const version = named?.version ?? null;
    const writes = [{ id: index, body: { schema: 1 as const, configs }, version }] as const;
    const answer = await store.commit({ writes, checks: [] });
    if (answer.kind !== "committed") return readRegister(ports, plan);
  }
  return {
    configs: configs.filter((config) => !others.has(config)),
    wanted,
    planVersion: current?.version ?? null,
    read: (some) => readStreams(ports, some),
  };
}

async function readStreams({ store }: StreamPorts, configs: readonly string[]) {
  const found = new Map<string, Read<`streams/${string}`>>();
  for (let at = 0; at < configs.length; at += readMax) {
    const ids = configs.slice(at, at + readMax).map((config) => `streams/${config}` as const);
    for (const [id, read] of await store.read(ids)) {
      found.set(id.slice("streams/".length), read as Read<`streams/${string}`>);
    }
  }
  return found;
}
