import { z } from "zod";
import { Flag, optional, Values } from "./primitives.ts";

/** How and when zipline runs a conf. `scheduleCron` is what October 2025 called `offlineSchedule`. */
export const ExecutionInfo = z.looseObject({
  env: optional(Values),
  conf: optional(z.looseObject({ common: optional(Values) })),
  offlineSchedule: optional(z.string()),
  onlineSchedule: optional(z.string()),
  scheduleCron: optional(z.string()),
  historicalBackfill: optional(Flag),
  stepDays: optional(z.number().int().min(1)),
  outputTableInfo: optional(z.looseObject({ table: optional(z.string()) })),
});
export type ExecutionInfo = Readonly<z.infer<typeof ExecutionInfo>>;

/** `api.thrift` MetaData of both flavours, as far as compiling a plan looks at it. */
export const MetaData = z.looseObject({
  name: optional(z.string()),
  team: optional(z.string()),
  online: optional(Flag),
  outputNamespace: optional(z.string()),
  /** airbnb: plain strings for staging queries, JSON in strings for the others. */
  dependencies: optional(z.array(z.unknown())),
  /** airbnb. Zipline's is in `executionInfo`. */
  offlineSchedule: optional(z.string()),
  historicalBackfill: optional(Flag),
  /** Of a join: how many of a hundred requests fetchers log. */
  samplePercent: optional(z.number()),
  /** Of a join: how many of a hundred logged requests are computed again offline and compared. */
  consistencySamplePercent: optional(z.number()),
  /** Zipline. airbnb's is `check_consistency` in `customJson`. */
  consistencyCheck: optional(Flag),
  customJson: z.unknown().optional(),
  modeToEnvMap: optional(Values),
  executionInfo: optional(ExecutionInfo),
  /** Written by zipline's compiler only. */
  sourceFile: optional(z.unknown()),
  version: optional(z.unknown()),
});
export type MetaData = Readonly<z.infer<typeof MetaData>>;
