import { z } from "zod";

/** A boolean as thrift's simple JSON writes it: 0 or 1. Python-made files say true and false. */
export const Flag = z
  .union([z.boolean(), z.literal(0), z.literal(1)], { error: "expected 0, 1, true or false" })
  .transform((value) => value === true || value === 1);

/** A thrift enum: its number, or the name an API gave it. */
function thriftEnum<const T extends string>(names: readonly T[], values: Record<string, T>) {
  const meaning = new Map(Object.entries(values));
  return z.union([z.number(), z.string()]).transform((value, context) => {
    const found = meaning.get(String(value).toUpperCase());
    if (found !== undefined) return found;
    context.addIssue({ code: "custom", message: `expected one of ${names.join(", ")}` });
    return z.NEVER;
  });
}

/** `api.thrift` TimeUnit; MINUTES is zipline's. */
export const TimeUnit = thriftEnum(["hours", "days", "minutes"], {
  "0": "hours",
  "1": "days",
  "2": "minutes",
  HOURS: "hours",
  DAYS: "days",
  MINUTES: "minutes",
});
export type TimeUnit = z.infer<typeof TimeUnit>;

/** `api.thrift` Accuracy. Usually absent; then it follows from a topic. */
export const Accuracy = thriftEnum(["temporal", "snapshot"], {
  "0": "temporal",
  "1": "snapshot",
  TEMPORAL: "temporal",
  SNAPSHOT: "snapshot",
});

/** Longer lengths of time, whatever their unit, are a mistake. */
const lengthMax = 1_000_000;

/** A length of time in one unit, as Chronon writes windows, offsets and lags. */
export const Window = z.looseObject({
  length: z
    .number()
    .int()
    .min(0, { error: "expected a length of 0 or more" })
    .max(lengthMax, { error: `expected a length of at most ${lengthMax}` }),
  timeUnit: TimeUnit,
});
export type Window = Readonly<z.infer<typeof Window>>;

/** Values by name, of whatever type. They are taken as they are: there are thousands of them. */
export type Values = Readonly<Record<string, unknown>>;
export const Values = z.custom<Values>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { error: "expected values by name" },
);

/** A field that thrift omits when unset and Python may write as null. */
export function optional<T extends z.ZodType>(type: T) {
  return type.nullish();
}
