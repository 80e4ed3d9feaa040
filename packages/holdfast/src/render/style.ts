import { styleText } from "node:util";

/** The few colors that the program gives to text. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Gives a text its color, or leaves it as it is. */
export type Styler = (color: Style, text: string) => string;

/** Leaves every text as it is. */
export const plainText: Styler = (_look, text) => text;

/** Wraps a text in the terminal's escape sequences. */
export const ansiStyle: Styler = (color, text) => styleText(color, text, { validateStream: false });

/** What decides how a stream may be written to. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Tells whether a line may be redrawn in place: on a terminal that understands escape sequences. */
export function supportsRedraw({ isTTY, env }: OutputStream): boolean {
  return isTTY === true && env["TERM"] !== "dumb";
}

/** Chooses colours for a terminal that has them and a person who wants them (https://no-color.org). */
export function stylerFor(surface: OutputStream): Styler {
  return supportsRedraw(surface) && (surface.env["NO_COLOR"] ?? "") === "" ? ansiStyle : plainText;
}
