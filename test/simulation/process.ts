import type { Observable, Subscription } from "rxjs";
import type { Life } from "./life.ts";
import { type ProcessPorts, portsOf } from "./process-ports.ts";

export interface ProcessOptions extends Pick<Life, "name" | "place" | "faults" | "skewMs"> {
  /** The service it runs, until it dies. */
  readonly run: (ports: ProcessPorts) => Observable<unknown>;
  readonly told: (does: "starts" | "dies") => void;
  /** It died of itself. */
  readonly failed: (cause: unknown) => void;
}

/** A process that is started again whenever it dies. */
export function startProcess(options: ProcessOptions): void {
  const { place, faults, told, run, failed, name, skewMs } = options;
  let service: Subscription | null = null;
  const life: Life = {
    name,
    place,
    faults,
    skewMs,
    alive: true,
    stalledUntil: 0,
    die() {
      if (!life.alive) return;
      life.alive = false;
      told("dies");
      service?.unsubscribe();
      const restartsAt = place.time.now() + faults.drawn(`${name} restarts`, 1_000, 600_000);
      place.time.at(restartsAt, () => startProcess(options));
    },
  };
  told("starts");
  service = run(portsOf(life)).subscribe({
    error(cause: unknown) {
      failed(cause);
      life.die();
    },
  });
}
