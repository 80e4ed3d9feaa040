import { styleText } from "node:util";

/** The few looks that the program gives to text. */
export type Look = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Gives a text its look, or leaves it as it is. */
export type Paint = (look: Look, text: string) => string;

/** Leaves every text as it is. */
export const noPaint: Paint = (_look, text) => text;

/** Wraps a text in the terminal's escape sequences. */
export const ansiPaint: Paint = (look, text) => styleText(look, text, { validateStream: false });

/** What decides how a stream may be written to. */
export interface Surface {
  readonly isTTY?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Tells whether a line may be redrawn in place: on a terminal that understands escape sequences. */
export function mayRedraw({ isTTY, env }: Surface): boolean {
  return isTTY === true && env["TERM"] !== "dumb";
}

/** Chooses colours for a terminal that has them and a person who wants them (https://no-color.org). */
export function paintFor(surface: Surface): Paint {
  return mayRedraw(surface) && (surface.env["NO_COLOR"] ?? "") === "" ? ansiPaint : noPaint;
}
