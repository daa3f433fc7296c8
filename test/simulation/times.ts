/** When every workload begins. */
export const start = Date.parse("2025-10-01T00:00:00Z");
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** The day, in UTC. */
export function dayAt(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
