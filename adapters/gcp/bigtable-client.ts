import { Bigtable, type BigtableOptions, type Instance } from "@google-cloud/bigtable";

export interface BigtablePlace {
  readonly projectId: string;
  readonly instanceId: string;
  /** The app profile requests are routed by; left out: the instance's default. */
  readonly appProfileId?: string;
  /** `host:port` of an emulator; left out: `BIGTABLE_EMULATOR_HOST`, as in Google's own clients. */
  readonly emulator?: string;
}

/** An emulator asks for no credentials; without any the client would look for those of the machine. */
const nobody = { client_email: "nobody", private_key: "none" };

export interface BigtableConnection {
  readonly instance: Instance;
  /**
   * Rejects when there are no credentials. To be waited for before any call: a call without them
   * would end the process instead of failing.
   */
  readonly ready: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A client of one Bigtable instance, which connects when it is first used. */
export function bigtableInstance({
  projectId,
  instanceId,
  appProfileId,
  emulator = process.env["BIGTABLE_EMULATOR_HOST"],
}: BigtablePlace): BigtableConnection {
  const options: BigtableOptions = { projectId, metricsEnabled: false };
  if (appProfileId !== undefined) options.appProfileId = appProfileId;
  const emulated = emulator !== undefined && emulator !== "";
  if (emulated) {
    Object.assign(options, { apiEndpoint: emulator, credentials: nobody });
  }
  const client = new Bigtable(options);
  return {
    instance: client.instance(instanceId),
    ready: async () => {
      if (!emulated) await client.auth.getClient();
    },
    close: async () => {
      await client.close();
    },
  };
}
