import { Session } from "@holdfast/http";

/** Saves a URL to a file, as a process of its own that can be killed; says how far an earlier one had come, and what memory it took. */
const [url = "", file = "", digest = ""] = process.argv.slice(2);
await using session = new Session();
const { bytes, resumedFrom } = await session.get(url).saveTo(file, { digest });
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ bytes, resumedFrom, peakBytes }));
