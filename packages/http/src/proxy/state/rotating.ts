import type { ProxySpec } from "../list/entry.ts";
import type { ProxyList } from "../list/proxy-list.ts";
import type { SourceReader } from "./sources.ts";

/** A source all of whose proxies come out at another address with each connection, where that is so. */
export function withRotating(reader: SourceReader, rotating: boolean): SourceReader {
  if (!rotating) return reader;
  return {
    ...reader,
    initial: reader.initial?.map(asRotating),
    read: async () => listAsRotating(await reader.read()),
  };
}

function listAsRotating(list: ProxyList | undefined): ProxyList | undefined {
  return list === undefined ? undefined : { ...list, proxies: list.proxies.map(asRotating) };
}

function asRotating(spec: ProxySpec): ProxySpec {
  return { ...spec, gateway: true };
}
