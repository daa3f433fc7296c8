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

/** A client of one Bigtable instance, which connects when it is first used. */
export function bigtableInstance({
  projectId,
  instanceId,
  appProfileId,
  emulator = process.env["BIGTABLE_EMULATOR_HOST"],
}: BigtablePlace): { readonly instance: Instance; readonly close: () => Promise<void> } {
  const options: BigtableOptions = { projectId, metricsEnabled: false };
  if (appProfileId !== undefined) options.appProfileId = appProfileId;
  if (emulator !== undefined && emulator !== "") {
    Object.assign(options, { apiEndpoint: emulator, credentials: nobody });
  }
  const client = new Bigtable(options);
  return {
    instance: client.instance(instanceId),
    close: async () => {
      await client.close();
    },
  };
}
