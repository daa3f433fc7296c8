import { Table } from "console-table-printer";

/** Rows of texts, rendered with borders. */
export interface TextTable {
  add(row: Readonly<Record<string, string>>): void;
  render(): string;
}

/** A table whose columns are no wider than given, whatever its texts hold. */
export function tableOf(widths: Readonly<Record<string, number>>): TextTable {
  const table = new Table({
    // Its white is not to be read on a light terminal, and a table goes into files and to grep.
    shouldDisableColors: true,
    columns: Object.keys(widths).map((name) => ({ name, alignment: "left" })),
  });
  return {
    render: () => table.render(),
    add(row) {
      const cells = Object.entries(row).map(([name, text]) => ({
        name,
        lines: linesOf(text, widths[name] ?? 20),
      }));
      const height = Math.max(...cells.map(({ lines }) => lines.length));
      for (let at = 0; at < height; at += 1) {
        table.addRow(Object.fromEntries(cells.map(({ name, lines }) => [name, lines[at] ?? ""])));
      }
    },
  };
}

/**
 * A text in lines of at most `width`, broken at spaces, else after punctuation of names and paths,
 * else anywhere. Characters that a terminal obeys are shown as a replacement character.
 */
function linesOf(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text.replaceAll(/\p{Cc}/gu, "\u{fffd}");
  while (rest.length > width) {
    const head = rest.slice(0, width + 1);
    const space = head.lastIndexOf(" ");
    const mark = Math.max(...["/", ".", "_"].map((each) => head.lastIndexOf(each, width - 1))) + 1;
    const at = space > width / 3 ? space : mark > width / 3 ? mark : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
