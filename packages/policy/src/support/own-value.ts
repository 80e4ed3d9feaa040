/**
 * Returns the value that a table has itself under a name. `table[name]` would also find `constructor` and the other names that
 * every object inherits, and the name may come from a server.
 */
export function ownValue<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
