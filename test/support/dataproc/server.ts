import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { batchController, operations } from "./batches.ts";
import { clusterController, deleteCluster, setClusterState } from "./clusters.ts";
import { Denial } from "./errors.ts";
import { endJob, jobController } from "./jobs.ts";
import { type Done, newPlace, type Place, type PlaceOptions, type Trouble } from "./place.ts";
import { type Job, serviceOf } from "./protos.ts";

/** Dataproc on 127.0.0.1, and the hands of those who meddle with it. */
export interface DataprocServer {
  readonly port: number;
  readonly place: Place;
  /** Makes the next calls of a method go wrong. */
  trouble(trouble: Trouble): void;
  job(id: string): Job | null;
  /** How often a job's or a batch's driver was started. */
  starts(id: string): number;
  /** Whether its driver runs. */
  runs(id: string): boolean;
  /** Ends a running job from outside. */
  end(id: string, done: Done): void;
  /** Takes a job away, as somebody in the console would. */
  remove(id: string): void;
  deleteCluster(name: string, region?: string): void;
  setCluster(name: string, state: "STOPPED" | "ERROR" | "RUNNING", region?: string): void;
  calls(method: string): number;
  close(): Promise<void>;
}

const us = "us-central1";

/**
 * A Dataproc of our own on the protos that its client ships: jobs, batches and clusters with real
 * progressions of states. Nothing else emulates Dataproc. It refuses what Dataproc documents to
 * refuse; what it does not document is taken from what its clients handle.
 */
export async function dataprocServer(
  options: PlaceOptions & { readonly port?: number } = {},
): Promise<DataprocServer> {
  const place = newPlace(options);
  const server = new Server();
  const v1 = "google.cloud.dataproc.v1";
  server.addService(serviceOf(`${v1}.JobController`), served(place, jobController(place)));
  server.addService(serviceOf(`${v1}.ClusterController`), served(place, clusterController(place)));
  server.addService(serviceOf(`${v1}.BatchController`), served(place, batchController(place)));
  server.addService(serviceOf("google.longrunning.Operations"), served(place, operations(place)));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `127.0.0.1:${options.port ?? 0}`,
      ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    );
  });
  return { port, ...hands(place), close: () => closed(server, place) };
}

function hands(place: Place): Omit<DataprocServer, "port" | "close"> {
  const keptJob = (id: string) =>
    [...place.jobs].find(([key]) => key.split("/")[1] === id)?.[1] ?? null;
  const keptBatch = (id: string) =>
    [...place.batches].find(([key]) => key.endsWith(`/batches/${id}`))?.[1] ?? null;
  return {
    place,
    trouble(trouble) {
      place.trouble.push({ ...trouble });
    },
    job: (id) => keptJob(id)?.resource ?? null,
    starts: (id) => (keptJob(id) ?? keptBatch(id))?.starts ?? 0,
    runs(id) {
      const running = keptJob(id)?.resource.status?.state === "RUNNING";
      return running || keptBatch(id)?.resource.state === "RUNNING";
    },
    end(id, done) {
      const kept = keptJob(id);
      if (kept !== null) endJob(kept, done);
    },
    remove(id) {
      const kept = keptJob(id);
      kept?.abort.abort("deleted");
      if (kept !== null) place.jobs.delete(`${kept.region}/${id}`);
    },
    deleteCluster: (name, region = us) => deleteCluster(place, region, name),
    setCluster: (name, state, region = us) => setClusterState(place, { region, name, state }),
    calls: (method) => place.calls.get(method) ?? 0,
  };
}

async function closed(server: Server, place: Place): Promise<void> {
  place.closed = true;
  for (const timer of place.timers) clearTimeout(timer);
  for (const kept of [...place.jobs.values(), ...place.batches.values()])
    kept.abort.abort("closed");
  server.forceShutdown();
}

type Handlers = Readonly<Record<string, (request: never) => object>>;

function served(place: Place, handlers: Handlers): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(handlers).map(([method, handle]) => {
      const call: handleUnaryCall<object, object> = ({ request }, answer) => {
        place.calls.set(method, (place.calls.get(method) ?? 0) + 1);
        try {
          const trouble = nextTrouble(place, method);
          if (trouble !== null && trouble !== "lost-answer") throw denials[trouble];
          const response = handle(request as never);
          if (trouble === "lost-answer") throw denials.unavailable;
          answer(null, response);
        } catch (cause) {
          if (cause instanceof Denial) answer({ code: cause.code, details: cause.message });
          else answer({ code: status.INTERNAL, details: String(cause) });
        }
      };
      return [method, call];
    }),
  );
}

const denials = {
  unavailable: new Denial(status.UNAVAILABLE, "The service is currently unavailable."),
  quota: new Denial(status.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Job operations'"),
  denied: new Denial(status.PERMISSION_DENIED, "Permission 'dataproc.jobs.create' denied"),
  unauthenticated: new Denial(status.UNAUTHENTICATED, "Request had invalid credentials"),
};

function nextTrouble(place: Place, method: string): Trouble["kind"] | null {
  const found = place.trouble.find((each) => each.method === method);
  if (found === undefined) return null;
  found.times -= 1;
  if (found.times <= 0) place.trouble = place.trouble.filter((each) => each !== found);
  return found.kind;
}
