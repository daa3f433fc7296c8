import { own } from "../../core/own.ts";
import type { Alerts, Notice } from "../../ports/alerts.ts";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { Log } from "../../ports/log.ts";
import type { AlertSettings, RouteSettings } from "../../schemas/alert-settings.ts";
import type { Env } from "../settings-env.ts";
import { sendRequests } from "./http-sender.ts";
import { jiraServiceManagementRequests } from "./jira-service-management.ts";
import { tellLog } from "./log.ts";
import { opsgenieRequests } from "./opsgenie.ts";
import { pagerdutyRequests } from "./pagerduty.ts";
import type { RequestsOf } from "./request.ts";
import { readSecret } from "./secret.ts";
import { webhookRequests } from "./webhook.ts";

export interface AlertsOptions {
  readonly settings: AlertSettings;
  readonly log: Log;
  readonly clock: Pick<Clock, "now">;
  /** Where secrets that are named by a variable are. */
  readonly env: Env;
}

/** The routes of the settings. Nothing is connected, and no secret read, before something is sent. */
export function openAlerts(options: AlertsOptions): Alerts {
  const { settings, log } = options;
  return {
    routesOf: (team) => own(settings.teams, team) ?? settings.defaultRoutes,
    async send(name, notice) {
      const route = routeOf(settings, name);
      return route.kind === "log" ? tellLog(log, notice) : sendOver(route, notice, options);
    },
  };
}

function routeOf({ routes }: AlertSettings, name: string): RouteSettings {
  const route = own(routes, name);
  if (route !== undefined) return route;
  if (name === "log") return { kind: "log" };
  throw new PermanentError(`there is no route ${name}; give it in alerts.routes`);
}

type HttpRoute = Exclude<RouteSettings, { kind: "log" }>;

async function sendOver(
  route: HttpRoute,
  notice: Notice,
  { settings, clock, env }: AlertsOptions,
): Promise<string> {
  const secret = readSecret(route.key, env);
  const requests = requestsOf(route)(notice, secret, clock.now());
  return sendRequests({ requests, secret, timeoutMs: settings.answerMs });
}

function requestsOf(route: HttpRoute): RequestsOf {
  switch (route.kind) {
    case "opsgenie":
      return opsgenieRequests(route);
    case "jira-service-management":
      return jiraServiceManagementRequests(route);
    case "pagerduty":
      return pagerdutyRequests(route);
    case "webhook":
      return webhookRequests(route);
  }
}
