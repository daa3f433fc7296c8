import { cpus, loadavg } from "node:os";

/** Prints one figure as a JSON line, with what it was measured on and what else that had to do. */
export function print(figure: Readonly<Record<string, unknown>>): void {
  const [cpu] = cpus();
  const machine = {
    node: process.version,
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    loadAverage: Math.round(10 * (loadavg()[0] ?? 0)) / 10,
  };
  process.stdout.write(`${JSON.stringify({ ...figure, ...machine })}\n`);
}

/** Sorted quantiles of a sample, rounded to microseconds. */
export function quantiles(sample: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return Math.round((value ?? Number.NaN) * 1000) / 1000;
  };
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Milliseconds since 1970 with fractions: comparable between processes of one machine. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
