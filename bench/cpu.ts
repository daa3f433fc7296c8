import { readdirSync, readFileSync } from "node:fs";

/** Seconds of CPU that processes have used, by the name given to each. */
export type Used = Readonly<Record<string, number>>;

/** `USER_HZ`, the unit of `/proc/PID/stat`: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * The CPU that this process's descendants have used so far, by what `nameOf` makes of their command
 * lines; those it knows no name for are `others`. Empty where there is no `/proc`.
 */
export function cpuOfDescendants(nameOf: (command: string) => string | null): Used {
  const all = processes();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || isOurs(parent));
  };
  const used: Record<string, number> = {};
  for (const { pid, command, seconds } of all) {
    if (pid !== process.pid && !isOurs(pid)) continue;
    const name = pid === process.pid ? "bench" : (nameOf(command) ?? "others");
    used[name] = (used[name] ?? 0) + seconds;
  }
  return used;
}

/** What was used between two looks, in milliseconds for each of so many pieces of work. */
export function cpuUsed(before: Used, after: Used, pieces: number): Used {
  const all = Object.entries(after).map(([name, used]): [string, number] => [
    name,
    Math.round((10_000 * (used - (before[name] ?? 0))) / pieces) / 10,
  ]);
  return Object.fromEntries(all.filter(([, ms]) => ms > 0));
}

function processes() {
  return pidsOf("/proc").flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const seconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
      return [{ pid, parent: Number(fields[1]), command, seconds }];
    } catch {
      return [];
    }
  });
}

function pidsOf(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}
