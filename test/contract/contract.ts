import { afterEach, beforeEach, describe, test } from "vitest";

/** A fresh place of a port's adapter, which can be opened more than once at a time. */
export interface Place<Port> {
  open(): Port | Promise<Port>;
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /** Promises an adapter cannot keep, each with its reason. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

/** Declares one promise; `open` opens the test's place, as often as wanted. */
export type Contract<Port, Where extends Place<Port> = Place<Port>> = (
  title: string,
  body: (open: () => Promise<Port>, place: Where) => Promise<void>,
  timeoutMs?: number,
) => void;

interface Closable {
  close?(): Promise<void>;
}

/** A suite of promises; every test gets a fresh place, and what it opened is closed after it. */
export function contract<Port extends object, Where extends Place<Port> = Place<Port>>(
  name: string,
  { make, skip }: ContractOptions & { readonly make: () => Promise<Where> },
  tests: (it: Contract<Port, Where>) => void,
): void {
  describe(name, () => {
    let place: Where;
    let opened: (Port & Closable)[] = [];
    beforeEach(async () => {
      place = await make();
    });
    afterEach(async () => {
      for (const port of opened) await port.close?.();
      opened = [];
      await place.dispose();
    });
    const open = async () => {
      const port: Port & Closable = await place.open();
      opened.push(port);
      return port;
    };
    tests((title, body, timeoutMs = 30_000) => {
      const skipped = skip?.find((one) => one.tests.includes(title));
      const name = skipped === undefined ? title : `${title} (${skipped.reason})`;
      test.skipIf(skipped !== undefined)(name, () => body(open, place), timeoutMs);
    });
  });
}
