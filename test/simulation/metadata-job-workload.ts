import { randomOf } from "../../adapters/simulated/random.ts";
import type { Command } from "../../schemas/commands.ts";
import type { RehearsalBehaviour, RehearsalFault } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import { TeamSettings } from "../../schemas/step-policy.ts";
import { contentAsWritten, contentOf } from "./metadata-record.ts";
import { dayAt } from "./times.ts";
import type { Wanted, WantedStep } from "./trace.ts";
import { commandsOf, jobFaultsOf } from "./trouble-workload.ts";

type File = { readonly path: string; readonly text: string };

/** What a workload has of it. */
interface Uploading {
  readonly settings: Settings;
  readonly behaviour: RehearsalBehaviour;
  readonly commands: readonly Command[];
  readonly releases: readonly {
    readonly at: number;
    readonly files: readonly File[];
    readonly wanted: Wanted;
  }[];
}

interface Leaving {
  readonly days: number;
  readonly without: ReadonlySet<string>;
}

/**
 * In some of the seeds with metadata that of a team, or of both, is written by Chronon's own jobs: one
 * for each GroupBy of the zipline flavour that is online. Drawn apart, so that all else of the seed is
 * as it was.
 */
export function withMetadataJobs<W extends Uploading>(
  seed: number,
  workload: W,
  { days, without }: Leaving,
): W {
  const random = randomOf(seed, "metadata by jobs");
  const isDrawn = random.chance(0.4);
  const owners = random.pick([["t"], ["u"], ["t", "u"]]);
  const releases = workload.releases.map((release, nth) => {
    const files = nth % 2 === 0 ? release.files : withOtherContents(seed, release.files);
    return { ...release, files, wanted: withUploads(release.wanted, files, owners) };
  });
  const [first] = releases;
  const steps = first?.wanted.steps.filter(({ uploads }) => uploads !== undefined) ?? [];
  if (!isDrawn || first === undefined || first.wanted.metadata === null || steps.length === 0) {
    return workload;
  }
  const of = { wanted: { ...first.wanted, steps }, days };
  const commands = commandsOf(randomOf(seed, "commands on metadata"), of).filter(isOfThePast);
  const faults = jobFaultsOf(randomOf(seed, "faults of metadata jobs"), of).filter(endsWithFaults);
  const { behaviour } = workload;
  return {
    ...workload,
    settings: withOwners(workload.settings, owners),
    releases,
    commands: without.has("commands")
      ? workload.commands
      : [...workload.commands, ...commands.map((one) => ({ ...one, id: `metadata-${one.id}` }))],
    behaviour: without.has("job-faults")
      ? behaviour
      : { ...behaviour, faults: [...behaviour.faults, ...faults] },
  };
}

/**
 * Nobody asks for a day ahead: what waits for no table is done for it at once, and not again when the
 * day is over.
 */
function isOfThePast(command: Command): boolean {
  return command.kind !== "backfill-requested" || command.end < dayAt(command.at);
}

/** These jobs run every day: what struck each attempt of each of them would go on for ever. */
function endsWithFaults({ attempt }: RehearsalFault): boolean {
  return attempt !== undefined;
}

function withOwners(settings: Settings, owners: readonly string[]): Settings {
  if (owners.length > 1) return { ...settings, metadata: { ...settings.metadata, by: "job" } };
  const said = owners.map((team) => {
    const own = settings.teams[team] ?? TeamSettings.parse({});
    return [team, { ...own, metadata: "job" as const }] as const;
  });
  return { ...settings, teams: { ...settings.teams, ...Object.fromEntries(said) } };
}

interface Conf {
  readonly metaData: {
    readonly name: string;
    readonly online?: number;
    readonly description?: string;
  };
}

/** Some GroupBys without a stream have another content in the second release. */
function withOtherContents(seed: number, files: readonly File[]): File[] {
  return files.map((file) => {
    const conf = groupByOf(file);
    if (conf === null || file.text.includes('"topic"')) return file;
    const { name } = conf.metaData;
    if (!randomOf(seed, `content of ${name}`).chance(0.5)) return file;
    const metaData = { ...conf.metaData, description: "another" };
    return { ...file, text: JSON.stringify({ ...conf, metaData }) };
  });
}

/** A release's steps with those whose jobs write metadata, and whose rows are not Landfall's then. */
function withUploads(wanted: Wanted, files: readonly File[], owners: readonly string[]): Wanted {
  const isOwned = (name: string) => owners.includes(name.slice(0, name.indexOf(".")));
  const uploads = files.flatMap((file) => {
    const name = groupByOf(file)?.metaData.name;
    return name === undefined || !isOwned(name) ? [] : [uploadOf(name, file.text)];
  });
  const contents = new Map(
    files.map((file) => [`group_bys/${groupByOf(file)?.metaData.name}`, contentOf(file.text)]),
  );
  const metadata =
    wanted.metadata?.map((row) => {
      const [folder, name = ""] = row.key.split("/");
      const content = contents.get(row.key) ?? row.content;
      return { ...row, content, isOurs: row.isOurs && !(folder === "group_bys" && isOwned(name)) };
    }) ?? null;
  return { ...wanted, steps: [...wanted.steps, ...uploads], metadata };
}

function uploadOf(name: string, text: string): WantedStep {
  return {
    id: `${name}/metadata-upload`,
    config: name,
    mode: "metadata-upload",
    scheduled: true,
    inputs: [],
    after: [],
    output: null,
    uploads: {
      key: `group_bys/${name}`,
      conf: contentOf(text),
      content: contentAsWritten(text),
    },
    effect: "none",
    latestOnly: true,
    readByOthers: false,
    stepDays: 1,
  };
}

/** A GroupBy that is online, of zipline's flavour: airbnb's job writes other rows. */
function groupByOf({ path, text }: File): Conf | null {
  if (!path.startsWith("compiled/group_bys/")) return null;
  const conf = JSON.parse(text) as Conf;
  return conf.metaData.online === 1 ? conf : null;
}
