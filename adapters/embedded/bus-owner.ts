import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import Libsql from "libsql";
import { RetryableError } from "../../ports/errors.ts";

/**
 * Proof of life of one opening of a bus, so that what a killed process had leased is delivered
 * again at once and not when its leases end.
 *
 * It is a lock on a file of its own, taken through SQLite because Node has no file locks. The kernel
 * drops it the moment the process is gone, however it went; no heartbeat can be late because the
 * process computes, and no process id can be another's. A process that lives but hangs keeps it:
 * its leases end by `leaseMs`.
 */
export interface Owner {
  readonly name: string;
  /** The lock is dropped and its file removed. */
  retire(): void;
}

/** A new owner of the bus in `file`, alive until retired. Throws `RetryableError`. */
export function newOwner(file: string): Owner {
  const name = randomBytes(9).toString("base64url");
  const lock = new Libsql(lockFile(file, name), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new RetryableError(`cannot lock a file beside ${file}: its disk must support locks`, {
      cause,
    });
  }
  return {
    name,
    retire() {
      lock.close();
      removeLock(file, name);
    },
  };
}

/** Whether the owner is gone; then what it left on disk is removed. A name is never used again. */
export function buryIfDead(file: string, name: string): boolean {
  const path = lockFile(file, name);
  if (existsSync(path)) {
    const lock = new Libsql(path, { timeout: 0 });
    try {
      lock.exec("BEGIN EXCLUSIVE");
    } catch {
      return false;
    } finally {
      lock.close();
    }
  }
  removeLock(file, name);
  return true;
}

function lockFile(file: string, name: string): string {
  return `${file}-owner-${name}`;
}

function removeLock(file: string, name: string): void {
  for (const suffix of ["", "-journal"]) rmSync(lockFile(file, name) + suffix, { force: true });
}
