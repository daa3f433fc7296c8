import { CODE } from "../../../adapters/gcp/dataproc-errors.ts";

/** What Dataproc answers instead of doing something. */
export class Denial extends Error {
  override readonly name = "Denial";
  /** Of gRPC. */
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function invalid(message: string): Denial {
  return new Denial(CODE.invalidArgument, message);
}

export function notFound(what: string): Denial {
  return new Denial(CODE.notFound, `Not found: ${what}`);
}

export function exists(what: string): Denial {
  return new Denial(CODE.alreadyExists, `Already exists: ${what}`);
}

export function precondition(message: string): Denial {
  return new Denial(CODE.failedPrecondition, message);
}
