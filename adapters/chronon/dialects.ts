import type { DriverDialect } from "../../schemas/dataproc.ts";
import { ZiplineDialect } from "../../schemas/zipline.ts";

/** What a CLI understands; the numbers are zipline's pull requests. */
export interface Dialect {
  readonly name: ZiplineDialect;
  /**
   * How the conf is named. `option`: `--conf FILE`. `first`: FILE before everything else, since the
   * first word that is none of the CLI's own options is taken for it, even an unknown option.
   */
  readonly conf: "option" | "first";
  /** Null: it has no such option. */
  readonly debug: string | null;
  /** Makes it end as soon as the job is submitted. */
  readonly noWait: string | null;
  readonly hasUploader: boolean;
  /** Whether a deployed stream is waited for like any job, which is as long as it lives. */
  readonly waitsForStreams: boolean;
  /** The driver's option that the first day of a range becomes. */
  readonly start: DriverDialect;
  /** Whether it submits to Dataproc, and says under which id. */
  readonly submits: boolean;
  /** Modes it has not, by `mode` or `confType/mode`, and what to do about each. */
  readonly lacks: Readonly<Record<string, string>>;
  /** Releases of the package `zipline-ai` that speak it, from the first to the last one looked at. */
  readonly releases: readonly [first: string, last: string] | null;
}

const oldUploads =
  "it writes uploads to <table>_upload, where nobody looks for them since 2025-07-25 (#994): install that CLI or a later one";
const noComparison =
  "it came on 2025-10-20 (#1237): install that CLI or a later one, or leave the step out, for consistency-metrics-compute builds the table too";

const airbnb: Dialect = {
  name: "airbnb",
  conf: "option",
  debug: null,
  noWait: null,
  hasUploader: false,
  waitsForStreams: true,
  start: "start-partition-override",
  submits: false,
  lacks: {
    "upload-to-kv":
      "loading the online store is left to its users: run it by a command of your own",
    "build-comparison-table":
      "leave the step out, for consistency-metrics-compute builds the table too",
    "group_bys/metadata-upload": "it takes joins only",
  },
  releases: null,
};

/** Each row is the one before it and what the CLI's next change made of it. */
const CHANGES: readonly Partial<Dialect>[] = [
  {
    name: "2025-05-14",
    submits: true,
    noWait: "--disable-cloud-logging",
    lacks: {
      upload: oldUploads,
      "upload-to-kv": oldUploads,
      "build-comparison-table": noComparison,
    },
  },
  { name: "2025-06-18", debug: "--enable-debug" },
  { name: "2025-07-25", lacks: { "build-comparison-table": noComparison } },
  { name: "2025-09-16", hasUploader: true },
  { name: "2025-10-20", lacks: {} },
  { name: "2025-11-11", waitsForStreams: false },
  { name: "2026-01-13", start: "start-partition", releases: ["1.0.5", "1.0.12"] },
  {
    name: "2026-02-24",
    conf: "first",
    debug: "--debug",
    noWait: "--no-cloud-logging",
    releases: ["1.0.13", "1.28.0"],
  },
];

/** Every dialect, oldest first. */
export const DIALECTS: readonly Dialect[] = CHANGES.reduce<readonly Dialect[]>(
  (rows, change) => [...rows, { ...(rows.at(-1) ?? airbnb), ...change }],
  [airbnb],
);

export function dialectNamed(name: ZiplineDialect): Dialect {
  return DIALECTS[ZiplineDialect.options.indexOf(name)] ?? airbnb;
}

/** The dialect of a release of `zipline-ai`; null for a version that is none that is known. */
export function dialectOfRelease(version: string): Dialect | null {
  const wanted = numbersOf(version);
  if (wanted === null) return null;
  const speaks = ({ releases }: Dialect) =>
    releases !== null &&
    compared(numbersOf(releases[0]), wanted) <= 0 &&
    compared(wanted, numbersOf(releases[1])) <= 0;
  return DIALECTS.find(speaks) ?? null;
}

/** The releases of `zipline-ai` that are known, for a message. */
export function knownReleases(): string {
  const ranges = DIALECTS.flatMap(({ releases }) => (releases === null ? [] : [releases]));
  return `zipline-ai ${ranges.at(0)?.[0]} to ${ranges.at(-1)?.[1]}`;
}

function numbersOf(version: string): readonly number[] | null {
  const found = /^v?(\d+)\.(\d+)\.(\d+)$/.exec(version);
  return found === null ? null : found.slice(1).map(Number);
}

function compared(one: readonly number[] | null, other: readonly number[] | null): number {
  const differences = (one ?? []).map((number, at) => number - (other?.[at] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}
