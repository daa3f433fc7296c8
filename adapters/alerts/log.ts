import type { Notice } from "../../ports/alerts.ts";
import type { Log } from "../../ports/log.ts";

/** A line of the log with the field `alert`, which log-based alerts of Cloud Monitoring look for. */
export function tellLog(log: Log, notice: Notice): string {
  const { change, summary, priority } = notice;
  const urgent = priority === "P1" || priority === "P2";
  if (change === "closed") log.info({ alert: notice }, `alert closed: ${summary}`);
  else if (urgent) log.error({ alert: notice }, `alert ${change}: ${summary}`);
  else log.warn({ alert: notice }, `alert ${change}: ${summary}`);
  return "logged";
}
