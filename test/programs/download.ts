import { Session } from "@holdfast/http";

/** Downloads a URL to a file in its own process, which tests kill. Prints how much an earlier process had left, and the peak memory. */
const [url = "", file = "", digest = ""] = process.argv.slice(2);
await using session = new Session();
const { bytes, resumedFrom } = await session.download(url, file, { digest });
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ bytes, resumedFrom, peakBytes }));
