/** As many of one kind are told in full; of more only the first is. */
const toldMax = 3;

/** Texts by what they are about; those that differ by that alone are told as one. */
export function toldAlike(texts: readonly (readonly [about: string, text: string])[]): string[] {
  const kinds = new Map<string, { readonly about: string; readonly text: string }[]>();
  for (const [about, text] of counted(texts)) {
    const kind = text.replaceAll(about, "…");
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, [{ about, text }]);
    else known.push({ about, text });
  }
  return [...kinds.values()].flatMap((alike) => {
    if (alike.length <= toldMax) return alike.map(({ text }) => text);
    const [first, ...others] = alike;
    return [
      first?.text ?? "",
      `  and so do ${others.length} more: ${others.map(({ about }) => about).join(", ")}`,
    ];
  });
}

/** What is there more than once is told once, with how often. */
function counted(texts: readonly (readonly [about: string, text: string])[]) {
  const times = new Map<string, { readonly about: string; n: number }>();
  for (const [about, text] of texts) {
    const known = times.get(text);
    if (known === undefined) times.set(text, { about, n: 1 });
    else known.n += 1;
  }
  return [...times].map(([text, { about, n }]): readonly [string, string] => [
    about,
    n === 1 ? text : `${text} (${n} times)`,
  ]);
}
