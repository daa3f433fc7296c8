import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { sha256Hex } from "../../core/hash.ts";

/** Chance that a seed decides. */
export interface Random {
  /** In [0, 1). */
  unit(): number;
  /** A whole number between the two, both included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  /** Throws `RangeError` when there is nothing to pick. */
  pick<T>(from: readonly T[]): T;
  /** 32 hexadecimal characters. */
  id(): string;
}

/** The same seed always draws the same. Streams of different names do not disturb each other. */
export function randomOf(seed: number, stream = ""): Random {
  const mixed = Number.parseInt(sha256Hex(`${seed} ${stream}`).slice(0, 8), 16) | 0;
  const generator = xoroshiro128plus(mixed);
  const between = (least: number, most: number) => uniformInt(generator, least, most);
  const unit = () => between(0, 2 ** 31 - 1) / 2 ** 31;
  return {
    unit,
    between,
    chance: (probability) => unit() < probability,
    pick(from) {
      if (from.length === 0) throw new RangeError("there is nothing to pick from");
      return from[between(0, from.length - 1)] as (typeof from)[number];
    },
    id: () => Array.from({ length: 4 }, () => hex(between(0, 2 ** 32 - 1))).join(""),
  };
}

function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}
