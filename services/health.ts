import { finalize, isObservable, type Observable, tap } from "rxjs";
import { PermanentError, RetryableError } from "../ports/errors.ts";
import type { World } from "../ports/world.ts";

/** Whether a service can do its work at this moment. */
export interface Health {
  /** The world, with an eye on what its ports answer. */
  readonly world: World;
  /** Why it is not ready, in a few words; null when it is. Asks the store when it was not asked lately. */
  trouble(): Promise<string | null>;
  /** It is told to end: never ready again. */
  end(): void;
}

/** Ports whose troubles are the service's: a cluster that is not made yet is none. */
const eyed = ["bus", "store", "lake", "configs"] as const;
/** What failed and was not tried again is forgotten after so long. */
const rememberMs = 60_000;
/** How long an answer of the store is good for, and how long it may take. */
const freshMs = 1_000;
const answerMs = 3_000;

/**
 * A service is ready when it is subscribed (to the stream named `needs`, `bus.deliveries` for one),
 * the store answers, and no port failed without having answered since.
 */
export function healthOf(world: World, needs: string): Health {
  const troubles = new Map<string, { readonly reason: string; readonly at: number }>();
  const subscribed = new Map<string, number>();
  let ending = false;
  let probed = Number.NEGATIVE_INFINITY;
  const eye: Eye = {
    answered: (port) => void troubles.delete(port),
    failed(port, cause) {
      if (!(cause instanceof RetryableError) && !(cause instanceof PermanentError)) return;
      troubles.set(port, { reason: cause.message, at: performance.now() });
    },
    listens: (stream, more) => void subscribed.set(stream, (subscribed.get(stream) ?? 0) + more),
  };
  const watched: World = {
    ...world,
    ...Object.fromEntries(eyed.map((name) => [name, watchedPort(world[name], name, eye)])),
    runner: watchedPort(world.runner, "runner", { ...eye, failed() {} }),
  };
  const probe = async () => {
    if (performance.now() - probed < freshMs) return;
    const read = watched.store.read(["plans/current"]);
    await Promise.race([read.catch(() => {}), late(answerMs)]);
    probed = performance.now();
  };
  return {
    world: watched,
    async trouble() {
      if (ending) return "it is ending";
      if ((subscribed.get(needs) ?? 0) === 0) return `it is not subscribed to ${needs}`;
      try {
        await probe();
      } catch (cause) {
        return (cause as Error).message;
      }
      const since = performance.now() - rememberMs;
      return [...troubles.values()].find(({ at }) => at > since)?.reason ?? null;
    },
    end() {
      ending = true;
    },
  };
}

async function late(ms: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  throw new Error(`the store did not answer within ${ms} ms`);
}

interface Eye {
  answered(port: string): void;
  failed(port: string, cause: unknown): void;
  listens(stream: string, more: 1 | -1): void;
}

/** A port that does what it did before, and tells the eye how it goes. */
function watchedPort<Port extends object>(port: Port, name: string, eye: Eye): Port {
  return new Proxy(port, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (answer instanceof Promise) return seen(answer, name, eye);
        if (isObservable(answer)) return heard(answer, { name, stream: String(key), eye });
        return answer;
      };
    },
  });
}

async function seen(answer: Promise<unknown>, name: string, eye: Eye): Promise<unknown> {
  try {
    const value = await answer;
    eye.answered(name);
    return value;
  } catch (cause) {
    eye.failed(name, cause);
    throw cause;
  }
}

function heard(
  stream: Observable<unknown>,
  of: { readonly name: string; readonly stream: string; readonly eye: Eye },
): Observable<unknown> {
  const full = `${of.name}.${of.stream}`;
  return stream.pipe(
    tap({
      subscribe: () => of.eye.listens(full, 1),
      error: (cause) => of.eye.failed(of.name, cause),
    }),
    finalize(() => of.eye.listens(full, -1)),
  );
}
