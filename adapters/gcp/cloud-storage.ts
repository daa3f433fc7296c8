import { Storage } from "@google-cloud/storage";

export interface CloudStorageClientOptions {
  readonly project: string;
  /** Another place than Google's, `http://host:port`: the emulator's. */
  readonly apiEndpoint?: string;
}

/**
 * A client that gives up within half a minute, so that its caller can say what is wrong, and that
 * repeats only what may be repeated.
 */
export function cloudStorage({ project, apiEndpoint }: CloudStorageClientOptions): Storage {
  const storage = new Storage({
    projectId: project,
    retryOptions: { maxRetries: 3, totalTimeout: 30 },
    ...(apiEndpoint === undefined ? {} : { apiEndpoint }),
  });
  // With STORAGE_EMULATOR_HOST set the library leaves the path out, and no request would arrive.
  if (apiEndpoint !== undefined) storage.baseUrl = `${apiEndpoint}/storage/v1`;
  return storage;
}
