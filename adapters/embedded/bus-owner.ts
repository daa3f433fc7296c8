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

/**
 * Whether the owner is gone; then what it left on disk is removed. When that cannot be told it is
 * taken to live. A name is never used again, so nobody can be buried who is yet to come.
 */
export function buryIfDead(file: string, name: string): boolean {
  const dead = !existsSync(lockFile(file, name)) || canLock(lockFile(file, name));
  if (dead) removeLock(file, name);
  return dead;
}

function canLock(path: string): boolean {
  let lock: Libsql.Database | undefined;
  try {
    lock = new Libsql(path, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch {
    return false;
  } finally {
    lock?.close();
  }
}

function lockFile(file: string, name: string): string {
  return `${file}-owner-${name}`;
}

/** A lock file that cannot be removed is empty and harms nobody. */
function removeLock(file: string, name: string): void {
  for (const suffix of ["", "-journal"]) {
    try {
      rmSync(lockFile(file, name) + suffix, { force: true });
    } catch {
      return;
    }
  }
}
