/** Formats a table as lines. The first row has the column names; columns named in `right` are aligned to the right. */
export function formatTable(
  rows: readonly (readonly string[])[],
  { right }: { readonly right: readonly string[] },
): readonly string[] {
  const [names = []] = rows;
  const widths = names.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    right.includes(names[column] ?? "")
      ? cell.padStart(widths[column] ?? 0)
      : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd());
}
