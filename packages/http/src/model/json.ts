import { redact } from "@holdfast/policy";
import type { HttpResponse } from "./response.ts";

const shownCharacters = 80;

/**
 * Reads the body of a response as JSON.
 *
 * @throws SyntaxError that says what answered, and with what, in place of JSON; `response` has its attempts.
 */
export function parseJson(text: string, response: HttpResponse): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Not kept as the cause: it quotes from the middle of the body, where no credentials could be told as such.
    const error = new SyntaxError(redact(complaint(text, response, wrongIn(cause))));
    // Not enumerable: whoever logs the error has all of it in the message.
    throw Object.defineProperty(error, "response", { value: response });
  }
}

function complaint(text: string, { url, status, headers }: HttpResponse, wrong: string): string {
  const type = headers.get("content-type") ?? "no Content-Type";
  const beginning = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  const what = text === "" ? "an empty body" : beginning;
  return `${url} answered ${status} with what is not JSON (${type}; ${wrong}): ${what}`;
}

/** What the engine found, without its quotation. */
function wrongIn(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/, [."].* is not valid JSON$/s, "") : "unreadable";
}
