import { type Random, randomOf } from "../../adapters/simulated/random.ts";
import type { Command } from "../../schemas/commands.ts";
import type { RehearsalFault } from "../../schemas/rehearsal.ts";
import type { ConfigNode } from "./configs.ts";
import { hourMs, start } from "./times.ts";
import type { Wanted } from "./trace.ts";

/** A job of a stream that somebody else begins, without state, and ends. */
export interface ForeignStream {
  readonly config: string;
  readonly at: number;
  readonly until: number;
}

/** Some of the online ones have a topic. Drawn apart, so that all else of the seed is as it was. */
export function withStream(seed: number, node: ConfigNode): ConfigNode {
  const has = node.kind === "online" && randomOf(seed, `stream of ${node.name}`).chance(0.4);
  return has ? { ...node, stream: { content: 1 } } : node;
}

/** A release may bring another content of a stream, and one after it the first again. */
export function withOtherContent(seed: number, node: ConfigNode): ConfigNode {
  const changes = randomOf(seed, `content of ${node.name}`).chance(0.5);
  return node.stream !== undefined && changes ? { ...node, stream: { content: 2 } } : node;
}

/** What operators ask of streams. */
export function streamCommandsOf(
  random: Random,
  { wanted: { streams }, days }: { wanted: Wanted; days: number },
): Command[] {
  if (streams.length === 0) return [];
  return Array.from({ length: random.pick([0, 0, 1, 3]) }, (_, nth): Command => {
    const { config } = random.pick(streams);
    const at = start + random.between(4, days * 24) * hourMs + random.between(0, hourMs);
    const shared = { schema: 1 as const, id: `stream-command-${nth}`, by: "operator", at, config };
    return random.pick<Command>([
      { kind: "stream-deploy", ...shared, state: "latest" },
      { kind: "stream-deploy", ...shared, state: "none" },
      { kind: "stream-stop", ...shared },
    ]);
  });
}

export function streamFaultsOf(random: Random, { streams }: Wanted): RehearsalFault[] {
  if (streams.length === 0) return [];
  return Array.from({ length: random.pick([0, 1, 2, 4]) }, () => ({
    step: `${random.pick(streams).config}/streaming`,
    run: random.between(1, 4),
    does: random.pick(["fail", "fail", "vanish", "hang", "write-nothing", "write-half"] as const),
  }));
}

export function foreignStreamsOf(
  random: Random,
  { wanted: { streams }, faultsEnd }: { wanted: Wanted; faultsEnd: number },
): ForeignStream[] {
  if (streams.length === 0) return [];
  return Array.from({ length: random.pick([0, 0, 0, 1]) }, () => {
    const at = random.between(start + 2 * hourMs, faultsEnd - 2 * hourMs);
    const until = Math.min(faultsEnd - 1, at + random.between(1, 20) * hourMs);
    return { config: random.pick(streams).config, at, until };
  });
}
