import type { AlertKind, Priority } from "../schemas/alerts.ts";
import type { EpochMs } from "../schemas/ids.ts";

/** What people are told of one alert. */
export interface Notice {
  /** `updated`: many more are concerned. `closed`: its cause is gone. */
  readonly change: "opened" | "updated" | "closed";
  /** The same for every notice of one alert, and no other's: what a receiver knows it by. */
  readonly alias: string;
  readonly deployment: string;
  readonly kind: AlertKind | "test";
  readonly team: string;
  /** E-mail addresses of who keeps the team's configs, for receivers that tell people by them. */
  readonly maintainers: readonly string[];
  readonly priority: Priority;
  /** One line. */
  readonly summary: string;
  /** A line each of the first few that are concerned. */
  readonly details: readonly string[];
  readonly count: number;
  readonly since: EpochMs;
  readonly at: EpochMs;
}

/** Ways to people: on-call tools, webhooks, the log. */
export interface Alerts {
  /** Names of the routes that alerts of a team take, at least one. */
  routesOf(team: string): readonly string[];
  /**
   * Tells a route of an alert. Resolves with what it answered, one line, when it has taken the
   * notice; sending one again changes nothing there. Throws `RetryableError` when it does not answer
   * or says later, `PermanentError` when it says no. Neither names a secret.
   */
  send(route: string, notice: Notice): Promise<string>;
}
