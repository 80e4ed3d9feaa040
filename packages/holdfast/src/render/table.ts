/** Sets a table whose first row is its head: every column to the left, but those named `right`; the last one is not filled up. */
export function formatTable(
  rows: readonly (readonly string[])[],
  { right }: { readonly right: readonly string[] },
): readonly string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const set = (cell: string, column: number): string =>
    right.includes(head[column] ?? "")
      ? cell.padStart(widths[column] ?? 0)
      : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(set).join("  ").trimEnd());
}
