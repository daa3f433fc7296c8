import { type ChildProcess, fork } from "node:child_process";
import type { Bundle } from "./bundle.ts";
import type { AnswerOf, Asked } from "./seed-runner.ts";

/** A process of its own that runs seeds, one at a time. */
export interface SeedProcess {
  /** Throws what the process said at its end, when it ends before it answers. */
  ask<A extends Asked>(asked: A): Promise<AnswerOf[A["ask"]]>;
  end(): void;
}

export function seedProcess({ file }: Bundle): SeedProcess {
  const child = fork(file, { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let said = "";
  child.stderr?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  return {
    ask: (asked) => answerOf(child, asked, () => said),
    end: () => void child.kill(),
  };
}

function answerOf<A extends Asked>(
  child: ChildProcess,
  asked: A,
  said: () => string,
): Promise<AnswerOf[A["ask"]]> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => {
      reject(
        new Error(`seed ${asked.seed}: its process ended with ${code}: ${said().slice(0, 500)}`),
      );
    };
    child.once("close", ended);
    child.once("message", (answer) => {
      child.off("close", ended);
      resolve(answer as AnswerOf[A["ask"]]);
    });
    child.send(asked);
  });
}

/** With a process that runs the bundle; neither is there afterwards. */
export async function simulating<T>(
  bundle: Bundle,
  use: (simulation: SeedProcess) => Promise<T>,
): Promise<T> {
  const simulation = seedProcess(bundle);
  try {
    return await use(simulation);
  } finally {
    simulation.end();
    bundle.remove();
  }
}

/** Asks as many processes as there are what each seed breaks, as the seeds come. */
export async function brokenBySeeds(
  processes: readonly SeedProcess[],
  seeds: Iterable<number>,
  {
    kinds,
    told,
  }: {
    readonly kinds?: readonly string[];
    readonly told: (seed: number, broken: readonly string[]) => void;
  },
): Promise<void> {
  const left = seeds[Symbol.iterator]();
  const asked = kinds === undefined ? {} : { kinds };
  const run = async (process: SeedProcess) => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      const seed = next.value;
      told(seed, await process.ask({ ask: "broken", seed, ...asked }));
    }
  };
  await Promise.all(processes.map(run));
}
