import { ownValue } from "@holdfast/policy/internal";
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Offsets from UTC in hours of the zones that RFC 5322 §4.3 names; any other name means UTC. */
const zones: Readonly<Record<string, number>> = {
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
};

const time = String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?`;
const zone = String.raw`(?<zone>[a-z]{1,5}|[+-]\d{2}:?\d{2})`;
// IMF-fixdate and RFC 850: Sun, 06 Nov 1994 08:49:37 GMT · Sunday, 06-Nov-94 08:49:37 GMT
const dayFirst = new RegExp(
  String.raw`^(?:[a-z]+ ?,? ?)?(?<day>\d{1,2})[ -](?<month>[a-z]{3,9})[ -](?<year>\d{4}|\d{2}) ${time}(?: ${zone})?$`,
  "i",
);
// asctime: Sun Nov  6 08:49:37 1994
const monthFirst = new RegExp(
  String.raw`^(?:[a-z]+ )?(?<month>[a-z]{3,9}) (?<day>\d{1,2}) ${time}(?: ${zone})? (?<year>\d{4})$`,
  "i",
);

/**
 * Parses an HTTP-date in any of its three forms (RFC 9110 §5.6.7), and similar mail dates (RFC 5322 §4.3). Returns
 * milliseconds since 1970-01-01T00:00:00Z, or undefined for an invalid date. The day of the week is not checked, and the
 * time zone of the machine is not used.
 *
 * @param now milliseconds since 1970. A year of two digits is the latest that is at most 50 years after it.
 */
export function parseHttpDate(value: string, now: number): number | undefined {
  const text = value.trim().replaceAll(/\s+/g, " ");
  const parts = (dayFirst.exec(text) ?? monthFirst.exec(text))?.groups;
  if (parts === undefined) return undefined;
  const month = parseMonth(parts["month"] ?? "");
  const clock = parseTimeOfDay(parts);
  if (month === undefined || clock === undefined) return undefined;
  const [day, year] = [Number(parts["day"]), parts["year"] ?? ""];
  const at = (fullYear: number): number | undefined => {
    const midnight = toMidnight(fullYear, month, day);
    return midnight === undefined ? undefined : midnight + clock;
  };
  return year.length === 4 ? at(Number(year)) : nearest(Number(year), now, at);
}

const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i;

/** Parses a timestamp (RFC 3339, seconds are optional) as milliseconds since 1970-01-01T00:00:00Z. */
export function parseTimestamp(text: string): number | undefined {
  const instant = timestamp.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(instant) ? undefined : instant;
}

const word = /^[a-z]+$/i;
/** The longest list of delays, in characters. Servers repeat a header a few times; a head of 256 KiB could name 100,000 delays. */
export const maxListLength = 8_192;

/**
 * Splits a list that may have dates as members: the comma after a day of the week, misspelt or not, is part of its date. A text
 * of more than 8,192 characters has no members.
 */
export function splitDates(text: string): readonly string[] {
  if (text.length > maxListLength) return [];
  const members: string[] = [];
  let day = "";
  for (const part of text.split(",")) {
    const member = part.trim();
    if (word.test(member)) day = `${day}${member}, `;
    else if (member !== "" || day !== "") {
      members.push(day + member);
      day = "";
    }
  }
  return day === "" ? members : [...members, day];
}

/** RFC 9110 §5.6.7: a date more than 50 years in the future means the past year with the same two digits. */
function nearest(
  twoDigits: number,
  now: number,
  at: (year: number) => number | undefined,
): number | undefined {
  const limit = new Date(now);
  limit.setUTCFullYear(limit.getUTCFullYear() + 50);
  const lastYear = limit.getUTCFullYear();
  const year = lastYear - ((((lastYear - twoDigits) % 100) + 100) % 100);
  const instant = at(year);
  return instant !== undefined && instant > limit.getTime() ? at(year - 100) : instant;
}

function toMidnight(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A day beyond the end of the month rolls over into the next month.
  return date.getUTCDate() === day ? date.getTime() : undefined;
}

/** Returns milliseconds since midnight in UTC. 60 seconds are a leap second. */
function parseTimeOfDay(parts: Readonly<Record<string, string | undefined>>): number | undefined {
  const [hour, minute, second] = [
    Number(parts["hour"]),
    Number(parts["minute"]),
    Number(parts["second"] ?? 0),
  ];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  return ((hour * 60 + minute - minutesEast(parts["zone"] ?? "")) * 60 + second) * 1_000;
}

function minutesEast(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  if (sign === undefined) return (ownValue(zones, zone.toLowerCase()) ?? 0) * 60;
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? -offset : offset;
}

function parseMonth(name: string): number | undefined {
  const index = months.indexOf(name.slice(0, 3).toLowerCase());
  return index === -1 ? undefined : index;
}
