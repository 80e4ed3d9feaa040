import type { Response } from "../response.ts";

/** What tells the page of a guard from the page that was asked for. */
interface Fingerprint {
  readonly name: string;
  /** A header, and what is in it: certain alone. */
  readonly header?: readonly [name: string, value: RegExp];
  /** Parts of the page that stand there together, the rarest first. */
  readonly marks?: readonly (string | RegExp)[];
}

/**
 * Guards by the pages that they put in the place of what was asked for. A guard's script in a page says nothing: sites
 * load it with every page. So each fingerprint is what only the challenge itself has.
 */
const fingerprints: readonly Fingerprint[] = [
  { name: "cloudflare", header: ["cf-mitigated", /^challenge$/i] },
  // The path /cdn-cgi/challenge-platform/ alone is in ordinary pages.
  { name: "cloudflare", marks: ["_cf_chl_opt", /<title>(?:just a moment|attention required)/i] },
  { name: "cloudflare", marks: ["cf-error-details", /<title>[^<]*(?:access denied|you have been blocked)/i] },
  { name: "aws-waf", header: ["x-amzn-waf-action", /^(?:challenge|captcha)$/i] },
  { name: "aws-waf", marks: ["gokuProps", "AwsWafIntegration"] },
  { name: "vercel", header: ["x-vercel-mitigated", /^(?:challenge|deny)$/i] },
  { name: "vercel", marks: [/<title>vercel security checkpoint/i] },
  { name: "datadome", marks: ["captcha-delivery.com", /var dd\s*=\s*\{/] },
  // The script of PerimeterX is everywhere; its box is not.
  {
    name: "perimeterx",
    marks: [/id=["']px-captcha["']/, /<title>(?:access to this page has been denied|human verification)/i],
  },
  { name: "akamai", marks: ["sec-if-cpt-container"] },
  {
    name: "akamai",
    marks: [/<title>access denied/i, /You don't have permission to access/, /Reference\s?(?:#|&#32;&#35;)/],
  },
  // The resource alone is in ordinary pages.
  { name: "imperva", marks: ["_Incapsula_Resource", /Incapsula incident ID/] },
  {
    name: "google",
    marks: ["Our systems have detected unusual traffic", /<form[^>]+id=["']captcha-form["']/],
  },
  { name: "amazon", marks: ["/errors/validateCaptcha"] },
  { name: "kasada", marks: ["KPSDK", /^\s*<html>\s*<head>\s*<\/head>\s*<body>\s*<script>/i] },
  { name: "sucuri", marks: [/<title>(?:sucuri website firewall|access denied - sucuri)/i] },
  { name: "sucuri", marks: ["sucuri_cloudproxy_js", /<title>you are being redirected/i] },
  { name: "ddos-guard", marks: [/<title>ddos-guard/i] },
  { name: "anubis", marks: [/id=["']anubis_challenge["']/] },
  { name: "f5", marks: ["The requested URL was rejected", /support ID is/i] },
];

// A challenge is a small page, and its marks stand early.
const longestLook = 65_536;

/** Says whose challenge a response is, whatever its status; undefined when it is none. A streamed response shows its headers alone. */
export function challengeIn(response: Response): string | undefined {
  const page = pageOf(response);
  const found = fingerprints.find(({ header, marks }) =>
    header === undefined
      ? page !== undefined && marks?.every((mark) => isIn(page, mark)) === true
      : response.bears(header[0]) && header[1].test(response.headers.get(header[0]) ?? ""),
  );
  return found?.name;
}

function isIn(page: string, mark: string | RegExp): boolean {
  return typeof mark === "string" ? page.includes(mark) : mark.test(page);
}

function pageOf(response: Response): string | undefined {
  const type = response.bears("content-type") ? response.headers.get("content-type") : "text/html";
  if (!/\bhtml\b/i.test(type ?? "")) return undefined;
  const content = contentOf(response);
  // All marks are ASCII, which every charset of the web but UTF-16 has in common.
  return content === undefined ? undefined : Buffer.from(content.subarray(0, longestLook)).toString("latin1");
}

function contentOf(response: Response): Uint8Array | undefined {
  try {
    return response.content;
  } catch {
    // A streamed response has no content yet, and says so by throwing.
    return undefined;
  }
}
