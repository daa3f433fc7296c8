/**
 * Remembers up to `max` answers of a pure function and forgets them all when there are more, so
 * that a long-running process stays within bounds. The function must depend on its text alone.
 */
export function memo<T>(max: number, answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const found = answer(text);
    if (known.size >= max) known.clear();
    known.set(text, found);
    return found;
  };
}
