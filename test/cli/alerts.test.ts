import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesOf } from "../../adapters/embedded/open.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import { type AlertReceiver, alertReceiver } from "../support/alert-receiver.ts";
import { landfall } from "../support/landfall.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-cli-alerts-"));
const settings = join(folder, "settings.json");
const key = join(folder, "key");
let receiver: AlertReceiver;

beforeAll(async () => {
  receiver = await alertReceiver();
  writeFileSync(key, "s3cret-key");
  const routes = {
    oncall: { kind: "opsgenie", key: { file: key }, url: receiver.url },
    hook: { kind: "webhook", key: { file: join(folder, "none") }, url: receiver.url },
  };
  const alerts = { routes, teams: { risk: ["oncall", "log"], growth: ["oncall", "hook"] } };
  writeFileSync(settings, JSON.stringify({ alerts }));
});
afterAll(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("landfall alerts test", () => {
  test("opens and closes an alert on each route of the team, and says what each answered", async () => {
    const { code, stdout } = await landfall(
      "alerts",
      "test",
      "--team",
      "risk",
      "--settings",
      settings,
    );
    expect(stdout).toBe("oncall: taken, HTTP 202 said: GenieKey ***\nlog: taken, logged\n");
    expect(code).toBe(0);
    expect(receiver.received.map(({ path }) => path)).toEqual([
      "/v2/alerts",
      "/v2/alerts/landfall%3Atest%3Arisk/close?identifierType=alias",
    ]);
    expect(receiver.received[0]?.headers.authorization).toBe("GenieKey s3cret-key");
  });

  test("a route that refuses or has no key is named, with exit code 1", async () => {
    receiver.behave({ status: 403 });
    const { code, stdout, stderr } = await landfall(
      "alerts",
      "test",
      "--team",
      "growth",
      "--settings",
      settings,
    );
    expect(code).toBe(1);
    expect(stdout).toContain("refuses: HTTP 403");
    expect(stdout).toContain("hook: not taken, its key is to be in the file");
    expect(stdout + stderr).not.toContain("s3cret-key");
  });
});

describe("landfall alerts", () => {
  const data = join(folder, "data");
  const alert: AlertDocument = {
    schema: 1,
    key: "step-failed:risk:00",
    kind: "step-failed",
    team: "risk",
    priority: "P2",
    state: "open",
    summary: "500 tasks of risk failed: out of memory",
    details: [],
    count: 500,
    tasks: [],
    since: Date.parse("2025-10-01T06:00:00Z"),
    quietSince: null,
    routes: {
      oncall: {
        change: null,
        count: 0,
        at: null,
        unsent: { since: 0, reason: "no answer" },
        refused: null,
      },
    },
  };

  test("lists what is open and what could not be sent yet", async () => {
    mkdirSync(data);
    const store = sqliteTaskStore({ file: filesOf(data).state });
    expect((await landfall("alerts", "--data", data)).stdout).toBe("no alerts\n");
    await store.commit({
      writes: [
        { id: `alerts/${alert.key}`, body: alert, version: null },
        { id: "alerting/open", body: { schema: 1, keys: [alert.key] }, version: null },
      ],
      checks: [],
    });
    await store.close();
    const { stdout, code } = await landfall("alerts", "--data", data);
    expect(code).toBe(0);
    expect(stdout).toContain("500 tasks of risk failed");
    expect(stdout).toContain("oncall: not yet");
    const json = await landfall("alerts", "--data", data, "--json");
    expect(JSON.parse(json.stdout)).toEqual([alert]);
  });
});
