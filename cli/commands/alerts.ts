import { Command } from "commander";
import { openAlerts } from "../../adapters/alerts/open.ts";
import type { Notice } from "../../ports/alerts.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import type { Deployment } from "../../schemas/deployment.ts";
import { readAlerts } from "../../services/tracker/alerts/keep.ts";
import { BadAnswer } from "../errors.ts";
import { linesLog } from "../lines-log.ts";
import { readSettings } from "../settings.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";
import { tableOf } from "../text-table.ts";

interface AlertsOptions extends StateOptions {
  readonly json?: boolean;
}

/** `landfall alerts`: what is wrong and who was told; `landfall alerts test`: whether routes work. */
export function alertsCommand(): Command {
  return new Command("alerts")
    .description("list open alerts, and what each route was told of them")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the documents as JSON")
    .action(async (options: AlertsOptions) => {
      const { alerts } = await withState(options, ({ store }) => readAlerts(store));
      const open = alerts
        .map(({ alert }) => alert)
        .toSorted((a, b) => a.priority.localeCompare(b.priority) || a.since - b.since);
      const text = options.json === true ? JSON.stringify(open, null, 2) : alertsTable(open);
      process.stdout.write(`${text}\n`);
    })
    .addCommand(testCommand().exitOverride());
}

function testCommand(): Command {
  return new Command("test")
    .description(
      "send a test alert over the routes of a team, close it, and say what each answered",
    )
    .option("--team <team>", "whose routes; without it, the default ones", "landfall")
    .addOption(settingsOption())
    .action(async ({ team }: { readonly team: string }, command: Command) => {
      const { settings } = command.optsWithGlobals<{ readonly settings?: string }>();
      await sendTest(readSettings(settings), team);
    });
}

/** Alerts as a table for people. */
export function alertsTable(alerts: readonly AlertDocument[]): string {
  if (alerts.length === 0) return "no alerts";
  const table = tableOf({ since: 16, alert: 16, team: 12, summary: 50, told: 24 });
  for (const alert of alerts) {
    table.add({
      since: new Date(alert.since).toISOString().slice(0, 16).replace("T", " "),
      alert: `${alert.priority} ${alert.kind}${alert.state === "closed" ? " (over)" : ""}`,
      team: alert.team,
      summary: alert.summary,
      told: toldText(alert),
    });
  }
  return table.render();
}

function toldText({ routes }: AlertDocument): string {
  const told = Object.entries(routes).map(([name, { change, unsent, refused }]) => {
    if (unsent !== null) return `${name}: not yet, ${unsent.reason}`;
    if (refused !== null) return `${name}: refused, ${refused}`;
    return `${name}: ${change ?? "not yet"}`;
  });
  return told.length === 0 ? "nobody yet" : told.join("; ");
}

/** Opens and closes a test alert on each route of a team. Throws `BadAnswer` when one did not take it. */
async function sendTest(settings: Deployment, team: string): Promise<void> {
  const alerts = openAlerts({
    settings: settings.alerts,
    log: linesLog(process.stderr),
    clock: { now: () => Date.now() },
    env: process.env,
  });
  let failed = false;
  for (const route of alerts.routesOf(team)) {
    try {
      const answer = await alerts.send(route, testNotice(settings.deployment, team, "opened"));
      await alerts.send(route, testNotice(settings.deployment, team, "closed"));
      process.stdout.write(`${route}: taken, ${answer}\n`);
    } catch (cause) {
      failed = true;
      process.stdout.write(`${route}: not taken, ${(cause as Error).message}\n`);
    }
  }
  if (failed) throw new BadAnswer();
}

function testNotice(deployment: string, team: string, change: Notice["change"]): Notice {
  const now = Date.now();
  return {
    change,
    alias: `${deployment}:test:${team}`,
    deployment,
    kind: "test",
    team,
    maintainers: [],
    priority: "P5",
    summary: `test alert of Landfall ${deployment} for ${team}: nothing is wrong`,
    details: ["sent by `landfall alerts test`, and closed at once"],
    count: 1,
    since: now,
    at: now,
  };
}
