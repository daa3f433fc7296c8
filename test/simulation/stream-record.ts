import type { ObjectStore } from "../../ports/object-store.ts";
import type { Happening } from "./trace.ts";

const checkpoint = /^(checkpoints\/[^/]+\/chk-)(\d+)\/_metadata$/;
const manifest = /^manifests\/([^/]+)\/manifest.txt$/;
const whole = /^flinkJobId=[0-9a-f]{32},parentJobId=[\w-]+$/;

/** Checkpoints of a job that Flink keeps. */
const kept = 10;

/** Tells what jobs of streams write, by reading it, and takes away what Flink would. */
export function streamRecord(
  record: (happening: Happening) => void,
  remove: (prefix: string) => void,
) {
  const written = (name: string, text: string) => {
    const [, before, n] = checkpoint.exec(name) ?? [];
    if (before !== undefined) {
      record({ kind: "checkpoint", jobId: text.split(" ").at(-1) ?? "", path: `${before}${n}` });
      remove(`${before}${Number(n) - kept}/`);
    }
    const [, config] = manifest.exec(name) ?? [];
    if (config !== undefined) record({ kind: "manifest", config, whole: whole.test(text) });
  };
  return {
    over: (store: ObjectStore): ObjectStore => ({
      ...store,
      async write(name, bytes, options) {
        const answer = await store.write(name, bytes, options);
        if (answer === "written") written(name, Buffer.from(bytes).toString());
        return answer;
      },
    }),
  };
}
