import { expect } from "vitest";
import type { Alerts, Notice } from "../../ports/alerts.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { AlertReceiver } from "../support/alert-receiver.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";

/** A route named `route` of team `risk`, and what is at its other end. */
export interface AlertsPlace extends Place<Alerts> {
  readonly receiver: AlertReceiver;
  readonly secret: string;
}

/** A notice of one failed task, unless told otherwise. */
export function notice(more: Partial<Notice> = {}): Notice {
  return {
    change: "opened",
    alias: "landfall:step-failed:risk:0011223344556677",
    deployment: "landfall",
    kind: "step-failed",
    team: "risk",
    maintainers: [],
    priority: "P2",
    summary: "task failed: risk.a.v1/upload@2025-09-30: out of memory",
    details: ["risk.a.v1/upload@2025-09-30: out of memory"],
    count: 1,
    since: 1_759_200_000_000,
    at: 1_759_200_060_000,
    ...more,
  };
}

/** The promises every route over HTTP keeps; each adapter runs this suite. */
export function describeAlerts(
  name: string,
  make: () => Promise<AlertsPlace>,
  options: ContractOptions = {},
): void {
  contract<Alerts, AlertsPlace>(`alerts: ${name}`, { make, ...options }, (it) => {
    it("a team has its routes, and every other the default ones", async (open) => {
      const alerts = await open();
      expect(alerts.routesOf("risk")).toEqual(["route"]);
      expect(alerts.routesOf("__proto__")).toEqual(["log"]);
    });

    it("a notice that was taken is answered in one line", async (open, { receiver }) => {
      const alerts = await open();
      for (const change of ["opened", "updated", "closed"] as const) {
        const before = receiver.received.length;
        expect(await alerts.send("route", notice({ change }))).toMatch(/^HTTP 202[^\n]*$/);
        expect(receiver.received.length).toBeGreaterThan(before);
      }
    });

    it("down, slow, busy or broken: to be sent again, and then taken", async (open, {
      receiver,
    }) => {
      const alerts = await open();
      const away = [
        "hangs up",
        "is slow",
        { status: 429 },
        { status: 500 },
        { status: 503 },
      ] as const;
      for (const behaviour of away) {
        receiver.behave(behaviour);
        await expect(alerts.send("route", notice())).rejects.toThrow(RetryableError);
      }
      receiver.behave("accepts");
      await expect(alerts.send("route", notice())).resolves.toContain("HTTP 202");
    });

    it("nobody listens: to be sent again", async (open, { receiver }) => {
      const alerts = await open();
      await receiver.close();
      const sent = alerts.send("route", notice());
      await expect(sent).rejects.toThrow(RetryableError);
      await expect(sent).rejects.toThrow("127.0.0.1");
    });

    it("a refusal or a redirect is final", async (open, { receiver }) => {
      const alerts = await open();
      for (const status of [302, 400, 401, 403, 404, 422]) {
        receiver.behave({ status });
        const sent = alerts.send("route", notice());
        await expect(sent).rejects.toThrow(PermanentError);
        await expect(sent).rejects.toThrow(`HTTP ${status}`);
      }
    });

    it("no error and no answer has the secret", async (open, { receiver, secret }) => {
      const alerts = await open();
      for (const behaviour of ["accepts", "hangs up", { status: 401 }, { status: 500 }] as const) {
        receiver.behave(behaviour);
        const said = await alerts.send("route", notice()).catch((cause: unknown) => String(cause));
        expect(said).not.toContain(secret);
      }
    });

    it("a route that is not there is final", async (open) => {
      const alerts = await open();
      await expect(alerts.send("nowhere", notice())).rejects.toThrow("alerts.routes");
    });
  });
}
