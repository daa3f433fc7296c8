import { expect } from "vitest";
import type { Metrics } from "../../ports/metrics.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";

/** What came of measurements where they go, by `name{label="value"}`: a sum, the last one, or a count. */
export type Arrived = ReadonlyMap<string, number>;

export interface MetricsPlace extends Place<Metrics> {
  /** Once the port that was opened last is closed. */
  readonly arrived: () => Promise<Arrived>;
}

const labels = { team: "risk", pipeline: "p", job_type: "upload" };

/** The promises every adapter that delivers keeps. */
export function describeMetrics(
  name: string,
  make: () => Promise<MetricsPlace>,
  options: ContractOptions = {},
): void {
  contract<Metrics, MetricsPlace>(`metrics: ${name}`, { make, ...options }, (it) => {
    it("counters add up, gauges keep the last, histograms count, each by its labels", async (open, {
      arrived,
    }) => {
      const metrics = await open();
      metrics.measure("landfall.cost", 1.5, { ...labels, currency: "USD" });
      metrics.measure("landfall.cost", 0.25, { ...labels, currency: "USD" });
      metrics.measure("landfall.cost", 4, { ...labels, currency: "EUR" });
      for (const used of [7, 3]) metrics.measure("landfall.pool.used", used, { pool: "spark" });
      for (const s of [0.1, 5, 90_000]) metrics.measure("landfall.decision.duration", s, {});
      await metrics.close();
      const own = "job_type=upload,pipeline=p,team=risk";
      expect(await arrived()).toEqual(
        new Map([
          [`landfall.cost{currency=EUR,${own}}`, 4],
          [`landfall.cost{currency=USD,${own}}`, 1.75],
          ["landfall.decision.duration{}", 3],
          ["landfall.pool.used{pool=spark}", 3],
        ]),
      );
    });

    it("what is no number is left out, and labels may hold anything", async (open, { arrived }) => {
      const metrics = await open();
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        metrics.measure("landfall.pool.used", value, { pool: "none" });
      }
      metrics.measure("landfall.pool.used", 1, { pool: '__proto__ " 表 \n' });
      await metrics.close();
      expect([...(await arrived())]).toEqual([['landfall.pool.used{pool=__proto__ " 表 \n}', 1]]);
    });

    it("measuring after the end, and ending again, do no harm", async (open, { arrived }) => {
      const metrics = await open();
      await metrics.close();
      expect(() => metrics.measure("landfall.pool.used", 1, { pool: "late" })).not.toThrow();
      await metrics.close();
      expect(await arrived()).toEqual(new Map());
    });
  });
}
