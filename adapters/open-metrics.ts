import { randomUUID } from "node:crypto";
import type { Log } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import type { Deployment } from "../schemas/deployment.ts";

/** Opens what the settings name, for one service. Loads the libraries of no other. */
export async function openMetrics(
  settings: Pick<Deployment, "deployment" | "gcp" | "metrics">,
  { service, log }: { readonly service: string; readonly log: Log },
): Promise<Metrics> {
  const { to, url, exportMs } = settings.metrics;
  if (to === "nowhere") return noMetrics;
  const { openTelemetryMetrics } = await import("./opentelemetry.ts");
  const exporter =
    to === "log"
      ? (await import("./embedded/metrics.ts")).logExporter(log)
      : (await import("./gcp/metrics.ts")).otlpExporter(url);
  const resource = resourceOf(settings, service);
  return openTelemetryMetrics({ exporter, everyMs: exportMs, resource, log });
}

/** Each process has series of its own; Cloud Monitoring asks for a project and a region. */
function resourceOf(
  { deployment, gcp }: Pick<Deployment, "deployment" | "gcp">,
  service: string,
): Record<string, string> {
  const [region] = gcp?.dataproc.regions ?? [];
  return {
    "service.name": service,
    "service.namespace": deployment,
    "service.instance.id": randomUUID(),
    ...(gcp === undefined ? {} : { "gcp.project_id": gcp.project }),
    ...(region === undefined ? {} : { "cloud.region": region }),
  };
}
