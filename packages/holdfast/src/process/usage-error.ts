/** An invalid command line, or a file that it names and that does not exist. The program exits with 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** An invalid value of one option: `--concurrency must be a whole number from 1 to 9, got "x"`. */
export class OptionError extends UsageError {
  override readonly name = "OptionError";
  /** The long name of the option, without dashes. */
  readonly option: string;
  /** The sentence after the name of the option. */
  readonly problem: string;
  /** The value of the option; undefined where the message must not quote it. */
  readonly value: string | undefined;

  constructor(option: string, problem: string, value?: string) {
    super(`--${option} ${problem}${value === undefined ? "" : `, got ${JSON.stringify(value)}`}`);
    this.option = option;
    this.problem = problem;
    this.value = value;
  }
}
