/** The command line cannot be understood or names something that isn't there: the program says so and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
