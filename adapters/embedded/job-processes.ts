import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process that cannot be mistaken for a later one of the same pid. */
export interface ProcessMark {
  readonly pid: number;
  /**
   * When it was born, as the system counts. On Linux the boot id and `starttime` of
   * /proc/{pid}/stat; elsewhere `ps -o lstart`, to the second. Null where neither is to be had:
   * then a later process of the same pid is taken for this one.
   */
  readonly born: string | null;
  /** Pid namespace it lives in (Linux): in another one its pid says nothing. */
  readonly space: string | null;
}

/** Which processes belong to a job. */
export interface JobProcesses {
  /** `NAME=value` that the command got in its environment, and what it starts inherits. */
  readonly cookie: string;
  /** The command, leader of its own session and group; null when it is not known. */
  readonly command: ProcessMark | null;
}

const isLinux = process.platform === "linux";

/** The living process of this pid; null when there is none, or only its unreaped remains. */
export function markOf(pid: number): ProcessMark | null {
  if (isLinux) {
    const stat = readStat(pid);
    return stat === null ? null : { pid, born: stat.born, space: ownSpace() };
  }
  if (!answersSignals(pid)) return null;
  try {
    const born = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return { pid, born: born.trim(), space: null };
  } catch {
    return { pid, born: null, space: null };
  }
}

/** The mark of this very process. */
export function ownMark(): ProcessMark {
  return markOf(process.pid) ?? { pid: process.pid, born: null, space: null };
}

/** Null when it cannot be told from here: the process is of another container. */
export function isAlive(mark: ProcessMark): boolean | null {
  if (mark.space !== null && mark.space !== ownSpace()) return null;
  const now = markOf(mark.pid);
  return now !== null && (mark.born === null || now.born === null || now.born === mark.born);
}

/**
 * Ends every process of a job: asks with SIGTERM, kills what is left after `graceMs`, and resolves
 * when none is seen any more.
 */
export async function endProcesses(job: JobProcesses, graceMs: number): Promise<void> {
  const asked = new Set<string>();
  const killAt = performance.now() + graceMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(250, pauseMs * 2)) {
    const living = findProcesses(job);
    if (living.length === 0) return;
    const kill = performance.now() >= killAt;
    for (const mark of living) {
      const key = `${mark.pid} ${mark.born}`;
      if (kill || !asked.has(key)) signal(mark, kill ? "SIGKILL" : "SIGTERM");
      asked.add(key);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/**
 * The living processes of a job. On Linux: those that carry its cookie, those of the command's
 * session or group, and whatever descends from them, so a daemon that left its session is found
 * too; one that also emptied its environment after its parent had ended is not. Elsewhere: the
 * command's group and descendants.
 */
export function findProcesses(job: JobProcesses): readonly ProcessMark[] {
  return isLinux ? findByProc(job) : findByTree(job);
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly born: string;
}

function findByProc({ cookie, command }: JobProcesses): ProcessMark[] {
  const stats = readdirSync("/proc").flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    return stat === null || stat.pid === process.pid ? [] : [stat];
  });
  const leader = command === null ? undefined : stats.find(({ pid }) => pid === command.pid);
  const own = leader === undefined || leader.born === command?.born ? command?.pid : undefined;
  const found = new Set(
    stats.filter(
      ({ pid, group, session }) => group === own || session === own || carries(pid, cookie),
    ),
  );
  const children = new Map<number, Stat[]>();
  for (const stat of stats) {
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat]);
  }
  // A set that grows while it is walked is walked to its end.
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found].map(({ pid, born }) => ({ pid, born, space: null }));
}

function carries(pid: number, cookie: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "utf8")}`.includes(`\0${cookie}\0`);
  } catch {
    return false;
  }
}

/** Fields of proc(5): after the command's name, which may hold anything, state is the third. */
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state, parent, group, session] = fields;
    if (state === "Z" || state === "X") return null;
    const born = `${bootId()}:${fields[19]}`;
    return { pid, parent: Number(parent), group: Number(group), session: Number(session), born };
  } catch {
    return null;
  }
}

/** Read once; empty where the system hides it. */
const bootId = once(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

/** The pid namespace of this process; empty where there is none to be seen. */
const ownSpace = once(() => readlinkSync("/proc/self/ns/pid"));

function once(read: () => string): () => string {
  let known: string | null = null;
  return () => {
    try {
      known ??= read();
    } catch {
      known = "";
    }
    return known;
  };
}

function findByTree({ command }: JobProcesses): ProcessMark[] {
  if (command === null) return [];
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,state="], { encoding: "utf8" });
  const all = rows.split("\n").flatMap((row) => {
    const [pid, parent, group, state = "Z"] = row.trim().split(/\s+/);
    return state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
  });
  const found = new Set<number>(
    all.filter(({ group }) => group === command.pid).map(({ pid }) => pid),
  );
  for (const of of found) for (const { pid, parent } of all) if (parent === of) found.add(pid);
  return [...found].flatMap((pid) => markOf(pid) ?? []);
}

function signal(mark: ProcessMark, name: NodeJS.Signals): void {
  if (!isAlive(mark)) return;
  try {
    process.kill(mark.pid, name);
  } catch {
    // It ended in between, or is not ours to end; the next look tells.
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}
