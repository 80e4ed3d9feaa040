/** Formats a whole number with a comma between thousands: `12,345`. */
export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Formats a count with its noun, singular or plural: `1 line`, `2 lines`. */
export function formatMany(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Formats a size in powers of 1000: `999 B`, `1.2 kB`, `34 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${Math.trunc(bytes)} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const scaled = bytes / 1_000 ** power;
  return `${scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled))} ${["B", "kB", "MB", "GB", "TB"][power] ?? ""}`;
}

/** Formats milliseconds in at most two units: `340 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`, `3 d 4 h`. */
export function formatTime(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Formats an estimate or a countdown in whole seconds, rounded up. */
export function formatSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds} s` : formatTime(seconds * 1_000);
}

/** Formats a rate with fewer decimals the larger it is: `0.25/s`, `3.4/s`, `120/s`. */
export function formatRate(perSecond: number): string {
  const digits = perSecond < 1 ? 2 : perSecond < 9.95 ? 1 : 0;
  return `${digits === 0 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(digits)}/s`;
}
