import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";

/** Prints the notifications and warnings of a folder, one line each; for tests to run beside. */
const [root = "."] = process.argv.slice(2);
const store = directoryObjectStore({
  root,
  reconcileMs: 50,
  warn: (message) => process.stdout.write(`warning ${message}\n`),
});
store.notifications().subscribe(({ name }) => process.stdout.write(`${name}\n`));
process.stdout.write("ready\n");
