import { pick, seeded } from "../scripted/seeded.ts";

const words = [
  "amber",
  "anchor",
  "basket",
  "beacon",
  "bridge",
  "candle",
  "cedar",
  "copper",
  "delta",
  "ember",
  "falcon",
  "garden",
  "harbour",
  "island",
  "juniper",
  "kettle",
  "ladder",
  "lantern",
  "marble",
  "meadow",
  "north",
  "orchard",
  "paper",
  "quarry",
  "raven",
  "saddle",
  "silver",
  "thistle",
  "timber",
  "umber",
  "velvet",
  "willow",
] as const;

const smallest = 1_000;
const largest = 20_000;

/** Returns the HTML of page `number`: 1 to 20 KB of ASCII text, the same bytes every time. */
export function pageBody(number: number, seed: number = 1): string {
  const random = seeded(seed * 1_000_003 + number);
  const size = smallest + Math.floor(random() * (largest - smallest));
  const title = `${pick(words, random)} ${pick(words, random)} no. ${number}`;
  const start = `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n`;
  const end = "</p>\n";
  let text = "<p>";
  while (start.length + text.length < size - 20)
    text += random() < 0.05 ? `${pick(words, random)}.</p>\n<p>` : `${pick(words, random)} `;
  return start + text + end;
}
