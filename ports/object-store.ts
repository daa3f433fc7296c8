import type { Observable } from "rxjs";
import type { EpochMs } from "../schemas/ids.ts";

/** An object's name and what is known without reading it. `name` uses `/`, never starts with it. */
export interface ObjectInfo {
  readonly name: string;
  readonly size: number;
  /** Grows with every write of the same name. */
  readonly generation: number;
  /** When it was written. */
  readonly updatedAt: EpochMs;
}

export interface StoredObject extends ObjectInfo {
  readonly bytes: Uint8Array;
}

/** Somebody finished writing an object. */
export type ObjectNotification = ObjectInfo;

/**
 * Named blobs: the lake, and config releases.
 *
 * An object is there whole or not at all. Notifications are hints: they may be doubled, late, out
 * of order or lost, and whoever listens must also list now and then.
 */
export interface ObjectStore {
  /** Null when there is no such object. Throws `RetryableError` or `PermanentError`. */
  read(name: string): Promise<StoredObject | null>;
  /** What is known of an object now, its bytes unread; null when there is none. Throws as `read` does. */
  info(name: string): Promise<ObjectInfo | null>;
  /** Objects whose names start with `prefix` and sort after `after`, in order of name. */
  list(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly ObjectInfo[]>;
  /**
   * Writes the whole object. With `ifAbsent`, answers `exists` and writes nothing when there is
   * one: of several racing writers exactly one hears `written`.
   */
  write(
    name: string,
    bytes: Uint8Array,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<"written" | "exists">;
  /** Objects finalized from now on whose names start with one of `prefixes` (empty: all). */
  notifications(prefixes?: readonly string[]): Observable<ObjectNotification>;
  close(): Promise<void>;
}
