import { openAlerts } from "../../adapters/alerts/open.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { silentLog } from "../../ports/log.ts";
import { AlertSettings, RouteSettings } from "../../schemas/alert-settings.ts";
import { alertReceiver } from "../support/alert-receiver.ts";
import { type AlertsPlace, describeAlerts } from "./alerts.contract.ts";

const secret = "s3cret-of-the-route";

for (const { value: kind } of RouteSettings.options.map(({ shape }) => shape.kind)) {
  if (kind === "log") continue;
  describeAlerts(kind, async (): Promise<AlertsPlace> => {
    const receiver = await alertReceiver();
    const route = { kind, key: { env: "ROUTE_KEY" }, url: receiver.url };
    const settings = AlertSettings.parse({
      routes: { route },
      teams: { risk: ["route"] },
      answerMs: 1_500,
    });
    return {
      receiver,
      secret,
      open: () =>
        openAlerts({ settings, log: silentLog, clock: systemClock(), env: { ROUTE_KEY: secret } }),
      dispose: () => receiver.close(),
    };
  });
}
