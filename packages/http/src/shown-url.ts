import { redact } from "@holdfast/policy";

// Nothing in it can be a secret's name with its value, or a user.
const plain = /^https?:\/\/[^/?#@]+\/[\w\-./~]*$/;

/** A URL without what looks like credentials. Hot path: most have nothing that could, and to look closer takes a while. */
export function shownUrl({ href }: URL): string {
  return plain.test(href) ? href : redact(href);
}
