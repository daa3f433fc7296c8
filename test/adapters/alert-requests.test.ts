import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { jiraServiceManagementRequests } from "../../adapters/alerts/jira-service-management.ts";
import { openAlerts } from "../../adapters/alerts/open.ts";
import { opsgenieRequests } from "../../adapters/alerts/opsgenie.ts";
import { pagerdutyRequests } from "../../adapters/alerts/pagerduty.ts";
import type { AlertRequest } from "../../adapters/alerts/request.ts";
import { readSecret } from "../../adapters/alerts/secret.ts";
import { webhookRequests, webhookSignature } from "../../adapters/alerts/webhook.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { PermanentError } from "../../ports/errors.ts";
import { AlertSettings, Secret } from "../../schemas/alert-settings.ts";
import { notice } from "../contract/alerts.contract.ts";

const now = 1_759_200_061_500;
const bodyOf = (request: AlertRequest | undefined) =>
  JSON.parse(request?.body ?? "null") as unknown;
const alias = "landfall%3Astep-failed%3Arisk%3A0011223344556677";

describe("Opsgenie", () => {
  const requests = opsgenieRequests({ url: "https://api.opsgenie.com", responders: {} });

  test("an alert is made with priority, tags and the team that responds", () => {
    const [create, ...more] = requests(notice(), "k", now);
    expect(more).toEqual([]);
    expect({ ...create, body: bodyOf(create) }).toEqual({
      method: "POST",
      url: "https://api.opsgenie.com/v2/alerts",
      headers: { "content-type": "application/json", authorization: "GenieKey k" },
      body: {
        message: "task failed: risk.a.v1/upload@2025-09-30: out of memory",
        alias: "landfall:step-failed:risk:0011223344556677",
        description:
          "task failed: risk.a.v1/upload@2025-09-30: out of memory\n\nrisk.a.v1/upload@2025-09-30: out of memory",
        responders: [{ type: "team", name: "risk" }],
        tags: ["landfall", "risk", "step-failed"],
        details: {
          deployment: "landfall",
          team: "risk",
          kind: "step-failed",
          count: "1",
          since: "2025-09-30T02:40:00.000Z",
        },
        entity: "risk",
        source: "landfall landfall",
        priority: "P2",
      },
    });
  });

  test("an update is the same alert with new words; the end closes it by its alias", () => {
    const updated = requests(notice({ change: "updated", summary: "500 tasks" }), "k", now);
    expect(updated.map(({ method, url }) => [method, url])).toEqual([
      ["POST", "https://api.opsgenie.com/v2/alerts"],
      ["PUT", `https://api.opsgenie.com/v2/alerts/${alias}/message?identifierType=alias`],
    ]);
    expect(bodyOf(updated[1])).toEqual({ message: "500 tasks" });
    const [closed] = requests(notice({ change: "closed" }), "k", now);
    expect(closed?.url).toBe(
      `https://api.opsgenie.com/v2/alerts/${alias}/close?identifierType=alias`,
    );
    expect(bodyOf(closed)).toEqual({ source: "landfall landfall", note: "its cause is gone" });
  });

  test("what it would cut is cut, and shows it", () => {
    const [create] = requests(notice({ summary: "x".repeat(400) }), "k", now);
    const { message } = bodyOf(create) as { message: string };
    expect(message).toBe(`${"x".repeat(129)}…`);
  });
});

test("Jira Service Management: the same requests at its address, teams by id", () => {
  const url = "https://api.atlassian.com/jsm/ops/integration";
  const requests = jiraServiceManagementRequests({ url, responders: { risk: "4513b7ea" } });
  const [create] = requests(notice(), "k", now);
  expect(create?.url).toBe("https://api.atlassian.com/jsm/ops/integration/v2/alerts");
  expect(create?.headers["authorization"]).toBe("GenieKey k");
  expect(bodyOf(create)).toMatchObject({ responders: [{ type: "team", id: "4513b7ea" }] });
  expect(bodyOf(requests(notice({ team: "growth" }), "k", now)[0])).toMatchObject({
    responders: [],
  });
});

test("PagerDuty: triggers and resolves by the alias", () => {
  const requests = pagerdutyRequests({ url: "https://events.pagerduty.com" });
  const [trigger] = requests(notice(), "r0ut1ng", now);
  expect({ ...trigger, body: bodyOf(trigger) }).toEqual({
    method: "POST",
    url: "https://events.pagerduty.com/v2/enqueue",
    headers: { "content-type": "application/json" },
    body: {
      routing_key: "r0ut1ng",
      event_action: "trigger",
      dedup_key: "landfall:step-failed:risk:0011223344556677",
      payload: {
        summary: "task failed: risk.a.v1/upload@2025-09-30: out of memory",
        source: "landfall landfall",
        severity: "error",
        timestamp: "2025-09-30T02:40:00.000Z",
        component: "risk",
        group: "risk",
        class: "step-failed",
        custom_details: { count: 1, details: "risk.a.v1/upload@2025-09-30: out of memory" },
      },
    },
  });
  expect(bodyOf(requests(notice({ change: "closed" }), "r0ut1ng", now)[0])).toEqual({
    routing_key: "r0ut1ng",
    event_action: "resolve",
    dedup_key: "landfall:step-failed:risk:0011223344556677",
  });
});

describe("a webhook", () => {
  const requests = webhookRequests({ url: "https://example.com/alerts" });

  test("is signed as the example of Standard Webhooks is", () => {
    const text = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}';
    expect(webhookSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", text)).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  test("is the notice, with its id, time and signature in headers", () => {
    const [request] = requests(notice(), "s", now);
    const text = `landfall:step-failed:risk:0011223344556677:opened:1.1759200061.${request?.body}`;
    expect(bodyOf(request)).toEqual({ schema: 1, ...notice() });
    expect(request?.headers).toEqual({
      "content-type": "application/json",
      "webhook-id": "landfall:step-failed:risk:0011223344556677:opened:1",
      "webhook-timestamp": "1759200061",
      "webhook-signature": webhookSignature("s", text),
    });
  });

  test("another body, time or secret is another signature", () => {
    const signed = (of: Parameters<typeof requests>) =>
      requests(...of)[0]?.headers["webhook-signature"];
    const all = [
      signed([notice(), "one", now]),
      signed([notice(), "two", now]),
      signed([notice(), "one", now + 1_000]),
      signed([notice({ count: 2 }), "one", now]),
    ];
    expect(new Set(all).size).toBe(4);
    expect(signed([notice(), "one", now])).toBe(all[0]);
  });
});

describe("a route of the settings", () => {
  const folder = mkdtempSync(join(tmpdir(), "landfall-alerts-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("its key is read where the settings say, and what is missing is named", () => {
    const file = join(folder, "key");
    writeFileSync(file, " s3cret\n");
    expect(readSecret({ file }, {})).toBe("s3cret");
    expect(readSecret({ env: "KEY" }, { KEY: "s3cret" })).toBe("s3cret");
    expect(() => readSecret({ env: "KEY" }, { KEY: "" })).toThrow("the variable KEY");
    expect(() => readSecret({ file: join(folder, "none") }, {})).toThrow(PermanentError);
    expect(Secret.safeParse({ env: "LANDFALL_KEY" }).success).toBe(false);
    expect(Secret.safeParse("s3cret").success).toBe(false);
  });

  test("the log gets the whole notice, louder the more urgent it is", async () => {
    const lines: [string, object, string][] = [];
    const log = {
      info: (fields: object, message: string) => lines.push(["info", fields, message]),
      warn: (fields: object, message: string) => lines.push(["warn", fields, message]),
      error: (fields: object, message: string) => lines.push(["error", fields, message]),
    };
    const settings = AlertSettings.parse({});
    const alerts = openAlerts({ settings, log, clock: { now: () => now }, env: {} });
    expect(alerts.routesOf("risk")).toEqual(["log"]);
    await alerts.send("log", notice());
    await alerts.send("log", notice({ priority: "P3" }));
    await alerts.send("log", notice({ change: "closed" }));
    expect(lines.map(([level]) => level)).toEqual(["error", "warn", "info"]);
    expect(lines[0]?.[1]).toEqual({ alert: notice() });
    expect(lines[0]?.[2]).toContain("out of memory");
  });

  test("a team whose route is not there is refused when the settings are read", () => {
    const file = join(folder, "settings.json");
    writeFileSync(file, JSON.stringify({ alerts: { teams: { risk: ["oncall"] } } }));
    expect(() => readSettings({}, file)).toThrow('alerts.teams.risk names route "oncall"');
  });
});

test("people who keep a team's configs respond where users go by e-mail, and are named elsewhere", () => {
  const told = notice({ maintainers: ["a@example.com", "b@example.com"] });
  const [opsgenie] = opsgenieRequests({ url: "https://o", responders: {} })(told, "k", now);
  expect(bodyOf(opsgenie)).toMatchObject({
    responders: [
      { type: "team", name: "risk" },
      { type: "user", username: "a@example.com" },
      { type: "user", username: "b@example.com" },
    ],
  });
  const named = { maintainers: "a@example.com, b@example.com" };
  const jira = jiraServiceManagementRequests({ url: "https://j", responders: {} });
  expect(bodyOf(jira(told, "k", now)[0])).toMatchObject({ responders: [], details: named });
  const [trigger] = pagerdutyRequests({ url: "https://p" })(told, "k", now);
  expect(bodyOf(trigger)).toMatchObject({ payload: { custom_details: named } });
});
