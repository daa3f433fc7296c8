/** What a map has of its own under a name that people chose: `constructor` is in none by itself. */
export function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}
