import { fakeGcsServer } from "./tools.ts";

/** Installs what the emulators need and nobody else does, before it is asked for. */
const tool = await fakeGcsServer();
if (tool.kind === "missing") {
  process.stderr.write(`${tool.why}\n`);
  process.exitCode = 1;
}
