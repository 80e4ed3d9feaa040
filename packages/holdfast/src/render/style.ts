import { styleText } from "node:util";

/** The styles that the program uses. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Applies a style to a string. */
export type Styler = (style: Style, text: string) => string;

/** Returns every text unchanged. */
export const plainText: Styler = (_style, text) => text;

/** Adds the escape sequences of ANSI terminals to a string. */
export const ansiStyle: Styler = (style, text) => styleText(style, text, { validateStream: false });

/** The properties of a stream and its environment that decide about styles. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Returns whether a line can be redrawn in place: on a terminal that interprets escape sequences. */
export function supportsRedraw({ isTTY, env }: OutputStream): boolean {
  return isTTY === true && env["TERM"] !== "dumb";
}

/** Returns the styler for a stream: ANSI styles on a terminal, unless NO_COLOR is set (https://no-color.org). */
export function stylerFor(stream: OutputStream): Styler {
  return supportsRedraw(stream) && (stream.env["NO_COLOR"] ?? "") === "" ? ansiStyle : plainText;
}
