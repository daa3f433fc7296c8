import { closeSync, openSync, writeSync } from "node:fs";

/** Keeps what a command says: the whole up to a limit, and its last words for an error message. */
export interface JobLog {
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
  /** The last line of stderr that says something; empty when there was none. */
  lastWords(): string;
  /** The end of stderr, without colours; gcloud repeats a driver's output there. */
  tail(): string;
  /** Notes what was not kept, and closes the file. */
  close(): void;
}

const tailBytes = 16_384;
const lineMax = 300;

export function jobLog(file: string, bytesMax: number): JobLog {
  const handle = openSync(file, "a");
  let kept = 0;
  let dropped = 0;
  let tail = Buffer.alloc(0);

  const append = (bytes: Uint8Array) => {
    const room = bytes.subarray(0, Math.max(0, bytesMax - kept));
    dropped += bytes.length - room.length;
    if (room.length === 0) return;
    try {
      kept += writeSync(handle, room);
    } catch {
      // A full disk costs output, never the job.
      dropped += room.length;
    }
  };

  return {
    stdout: append,
    stderr(bytes) {
      append(bytes);
      tail = Buffer.concat([tail, bytes]).subarray(-tailBytes);
    },
    lastWords: () =>
      linesOf(tail)
        .findLast((line) => line !== "")
        ?.slice(0, lineMax) ?? "",
    tail: () => linesOf(tail).join("\n"),
    close() {
      if (dropped > 0) {
        const note = `\n[landfall kept ${kept} bytes of this output; ${dropped} more were dropped]\n`;
        try {
          writeSync(handle, note);
        } catch {
          // As above.
        }
      }
      closeSync(handle);
    },
  };
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString("utf8")
    .split(/[\r\n]+/)
    .map(readable);
}

/** Without the control characters and colours of a terminal. */
function readable(line: string): string {
  // eslint-disable-next-line no-control-regex
  return line.replaceAll(/\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u001f\u007f]/g, "").trim();
}
