import type { CommandDocument, StreamCommand } from "../../schemas/commands.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import type { Deciding } from "../deciding.ts";
import { areLeftToOthers } from "./by.ts";

/** What comes of a command about a stream: whether it is taken down in the stream's document. */
export function outcomeForStream(
  { settings, plan, draft }: Deciding,
  { kind, config }: StreamCommand,
): CommandDocument["outcome"] {
  const refused = (reason: string) => ({ kind: "refused", reason }) as const;
  if (settings.streams.by === "others") {
    return refused('Landfall keeps no streams here: streams.by is "others"');
  }
  const team = plan.plan.streams?.find((stream) => stream.config === config)?.team;
  if (team !== undefined && areLeftToOthers(settings, team)) {
    return refused(`Landfall keeps no streams of ${team}: teams.${team}.streams is "others"`);
  }
  const stream = draft.get(`streams/${config}`);
  if (stream === null) {
    return refused(`no stream is known of ${config}; landfall streams lists those there are`);
  }
  if (stream.wanted === null && kind === "stream-deploy") {
    return refused(`the plan has no stream of ${config}; release its config first`);
  }
  return { kind: "accepted", tasks: [] };
}

/** The document in which it is asked for; what was asked before and is not done yet is dropped. */
export function withAsked(stream: StreamDocument, command: StreamCommand): StreamDocument {
  return { ...stream, asked: { command: command.id, by: command.by, does: doing(command) } };
}

function doing(command: StreamCommand): NonNullable<StreamDocument["asked"]>["does"] {
  if (command.kind === "stream-stop") return "stop";
  return command.state === "latest" ? "deploy" : "deploy-without-state";
}
