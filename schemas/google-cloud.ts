import { z } from "zod";
import { DataprocSettings } from "./dataproc.ts";

/** A place in Cloud Storage: `gs://bucket` or `gs://bucket/prefix`, without a slash at its end. */
const CloudFolder = z
  .string()
  .regex(/^gs:\/\/[^/]+(\/[^/]+)*$/, "write gs://bucket or gs://bucket/prefix");

/** `host:port`. */
const Address = z.string().regex(/^[^/:]+:\d+$/, "write host:port");

/**
 * Who pushes to a service, which then is not asked to pull. Pub/Sub signs in as `account`; a request
 * of anybody else is refused.
 */
const Push = z.strictObject({
  /** The service's own address as Pub/Sub reaches it, `https://...run.app`; also the audience. */
  url: z.url(),
  /** E-mail of the service account that the subscription signs in as. */
  account: z.string().min(3),
});
export type Push = Readonly<z.infer<typeof Push>>;

/** Where Landfall's world lies on Google Cloud. */
export const GoogleCloud = z.strictObject({
  /** Project of everything below, unless it says otherwise. */
  project: z.string().min(1),
  /** The lake: tables lie below it as `{db}/{table}`. */
  lake: CloudFolder,
  /** Releases, confs, plans, and which jobs were reported. May be a prefix of the lake's bucket. */
  configs: CloudFolder,
  /** Firestore database that holds all state. */
  firestoreDatabase: z.string().min(1).default("(default)"),
  /** Bigtable instance that upload-to-kv loads. */
  bigtableInstance: z.string().min(1),
  /** App profile to read Bigtable with; the instance's default without one. */
  bigtableAppProfile: z.string().min(1).exactOptional(),
  /** Topic on which the lake's bucket tells of its objects; `{deployment}-lake` without one. */
  lakeTopic: z.string().min(1).exactOptional(),
  /** Days that Pub/Sub keeps what nobody read. */
  retentionDays: z.number().int().min(1).max(31).default(31),
  /** Services whose messages are pushed to them. The others pull. */
  push: z
    .strictObject({ watcher: Push.exactOptional(), tracker: Push.exactOptional() })
    .prefault({}),
  /** How jobs run; `project`, `configs` and `bigtableInstance` are those above unless it says so. */
  dataproc: DataprocSettings.extend({
    project: DataprocSettings.shape.project.exactOptional(),
    configs: DataprocSettings.shape.configs.exactOptional(),
  })
    .strict()
    .prefault({}),
  /** Stand-ins on this machine, for trials and tests. */
  emulators: z
    .strictObject({
      pubsub: Address.exactOptional(),
      firestore: Address.exactOptional(),
      bigtable: Address.exactOptional(),
      /** `http://host:port`. */
      storage: z.url().exactOptional(),
      /** Spoken to without TLS. */
      dataproc: Address.exactOptional(),
    })
    .prefault({}),
});
export type GoogleCloud = Readonly<z.infer<typeof GoogleCloud>>;

/** Settings of Dataproc with what they have in common with everything else. */
export function dataprocOf(cloud: GoogleCloud): DataprocSettings {
  const { project, configs, bigtableInstance, dataproc } = cloud;
  return { project, configs, bigtableInstance, ...dataproc };
}
