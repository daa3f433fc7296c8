import type { Priority } from "../../schemas/alerts.ts";
import { cut, jsonRequest, type RequestsOf } from "./request.ts";

const severities: Readonly<Record<Priority, string>> = {
  P1: "critical",
  P2: "error",
  P3: "warning",
  P4: "info",
  P5: "info",
};

/** PagerDuty, Events API v2: the key is an integration's routing key. */
export function pagerdutyRequests({ url }: { readonly url: string }): RequestsOf {
  return (notice, secret) => {
    const { alias, change, team, maintainers, kind, deployment } = notice;
    const { summary, details, count, since } = notice;
    const event = { routing_key: secret, dedup_key: cut(alias, aliasMax) };
    const enqueue = `${url}/v2/enqueue`;
    if (change === "closed") return [jsonRequest(enqueue, { ...event, event_action: "resolve" })];
    const payload = {
      summary: cut(summary, summaryMax),
      source: `landfall ${deployment}`,
      severity: severities[notice.priority],
      timestamp: new Date(since).toISOString(),
      component: team,
      group: team,
      class: kind,
      custom_details: {
        count,
        details: details.join("\n"),
        ...(maintainers.length === 0 ? {} : { maintainers: maintainers.join(", ") }),
      },
    };
    return [jsonRequest(enqueue, { ...event, event_action: "trigger", payload })];
  };
}

const aliasMax = 255;
const summaryMax = 1_024;
