/** The code of a gRPC error (https://grpc.io/docs/guides/status-codes/); -1 when it is another error. */
export function codeOf(cause: unknown): number {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === "number" ? code : -1;
}

/** The message of an error, in one line. */
export function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replaceAll(/\s*\n\s*/g, " ");
}

/** Whoever gives out tokens did not answer; that is no verdict on these credentials. */
export function gotNoToken(message: string): boolean {
  return message.includes("Getting metadata from plugin failed");
}

/** Google's clients found no credentials at all. */
export function lacksCredentials(message: string): boolean {
  return message.includes("default credentials");
}
