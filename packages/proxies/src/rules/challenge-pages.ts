import type { HttpResponse } from "@holdfast/http";
import { hasHeader } from "@holdfast/http/internal";

/** Identifies the challenge page of a bot protection. All given parts must match. */
interface Fingerprint {
  readonly name: string;
  /** A header and its value, which is sufficient alone. */
  readonly header?: readonly [name: string, value: RegExp];
  readonly title?: RegExp;
  /** A literal part of the page. It begins with a rare character, which makes the search five times as fast. */
  readonly mark?: string;
  readonly pattern?: RegExp;
}

/**
 * Challenge pages of bot protections. Their scripts prove nothing, because sites load them with every page. Each fingerprint
 * is something that only the challenge itself contains.
 */
const fingerprints: readonly Fingerprint[] = [
  { name: "cloudflare", header: ["cf-mitigated", /^challenge$/i] },
  // The path /cdn-cgi/challenge-platform/ alone occurs in ordinary pages.
  { name: "cloudflare", title: /^(?:just a moment|attention required)/i, mark: "_cf_chl_opt" },
  { name: "cloudflare", title: /access denied|you have been blocked/i, mark: "cf-error-details" },
  { name: "aws-waf", header: ["x-amzn-waf-action", /^(?:challenge|captcha)$/i] },
  { name: "aws-waf", mark: "AwsWafIntegration", pattern: /gokuProps/ },
  { name: "vercel", header: ["x-vercel-mitigated", /^(?:challenge|deny)$/i] },
  { name: "vercel", title: /^vercel security checkpoint/i },
  { name: "datadome", mark: ".captcha-delivery.com", pattern: /var dd\s*=\s*\{/ },
  // The script of PerimeterX occurs everywhere, its box does not.
  {
    name: "perimeterx",
    title: /^(?:access to this page has been denied|human verification)/i,
    pattern: /id=["']px-captcha["']/,
  },
  { name: "akamai", mark: "-if-cpt-container" },
  {
    name: "akamai",
    title: /^access denied/i,
    mark: "You don't have permission to access",
    pattern: /Reference\s?(?:#|&#32;&#35;)/,
  },
  // The resource alone occurs in ordinary pages.
  { name: "imperva", mark: "Incapsula incident ID", pattern: /_Incapsula_Resource/ },
  {
    name: "google",
    mark: "Our systems have detected unusual traffic",
    pattern: /<form[^<>]+id=["']captcha-form["']/,
  },
  { name: "amazon", mark: "Captcha", pattern: /\/errors\/validateCaptcha/ },
  { name: "kasada", mark: "KPSDK", pattern: /^\s*<html>\s*<head>\s*<\/head>\s*<body>\s*<script>/i },
  { name: "sucuri", title: /^(?:sucuri website firewall|access denied - sucuri)/i },
  { name: "sucuri", title: /^you are being redirected/i, mark: "sucuri_cloudproxy_js" },
  { name: "ddos-guard", title: /^ddos-guard/i },
  { name: "anubis", mark: "_challenge", pattern: /id=["']anubis_challenge["']/ },
  { name: "f5", mark: "The requested URL was rejected", pattern: /support ID is/i },
];

// Challenges are small pages. Those without a typical title are even smaller, and most pages have to be searched
// for them.
const largestPage = 65_536;
const largestUntitled = 16_384;

/** Returns the name of the bot protection that sent a challenge, for any status; undefined for other responses. Of a streamed response, only the headers are checked. */
export function findChallenge(response: HttpResponse): string | undefined {
  const page = readPage(response);
  const title = page === undefined ? "" : (/<title[^<>]*>\s*([^<]*)/i.exec(page)?.[1] ?? "");
  const found = fingerprints.find(({ header, ...parts }) =>
    header === undefined
      ? page !== undefined && isPage(page, title, parts)
      : hasHeader(response, header[0]) && header[1].test(response.headers.get(header[0]) ?? ""),
  );
  return found?.name;
}

function isPage(
  page: string,
  pageTitle: string,
  { title, mark, pattern }: Omit<Fingerprint, "header">,
): boolean {
  if (title === undefined ? page.length > largestUntitled : !title.test(pageTitle)) return false;
  return (mark === undefined || page.includes(mark)) && (pattern?.test(page) ?? true);
}

function readPage(response: HttpResponse): string | undefined {
  const type = hasHeader(response, "content-type") ? response.headers.get("content-type") : "text/html";
  if (!/\bhtml\b/i.test(type ?? "")) return undefined;
  const content = readContent(response);
  if (content === undefined || content.byteLength > largestPage) return undefined;
  // All marks are ASCII, which every charset of the web except UTF-16 shares.
  return decodeLatin1(content);
}

function decodeLatin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function readContent(response: HttpResponse): Uint8Array | undefined {
  try {
    return response.content;
  } catch {
    // A streamed response throws: it has no content yet.
    return undefined;
  }
}
