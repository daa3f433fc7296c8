import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { GoogleAuth } from "google-auth-library";

/**
 * Exports over OTLP by HTTP, to Google's own endpoint, which Cloud Monitoring reads, or to a
 * collector. Only the former is signed in to, as whoever this process is on Google Cloud.
 */
export function otlpExporter(url: string): PushMetricExporter {
  const isGoogle = new URL(url).hostname.endsWith(".googleapis.com");
  return new OTLPMetricExporter({ url, ...(isGoogle ? { headers: signedIn() } : {}) });
}

/** Without credentials the request goes out without them, and is told to be refused. */
function signedIn(): () => Promise<Record<string, string>> {
  const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/monitoring.write"] });
  return async () => {
    try {
      return Object.fromEntries(await auth.getRequestHeaders());
    } catch {
      return {};
    }
  };
}
