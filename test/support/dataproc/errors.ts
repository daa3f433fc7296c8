import { status } from "@grpc/grpc-js";

/** What Dataproc answers instead of doing something. */
export class Denial extends Error {
  override readonly name = "Denial";
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

export function invalid(message: string): Denial {
  return new Denial(status.INVALID_ARGUMENT, message);
}

export function notFound(what: string): Denial {
  return new Denial(status.NOT_FOUND, `Not found: ${what}`);
}

export function exists(what: string): Denial {
  return new Denial(status.ALREADY_EXISTS, `Already exists: ${what}`);
}

export function precondition(message: string): Denial {
  return new Denial(status.FAILED_PRECONDITION, message);
}
