import { systemClock } from "@holdfast/policy";
import { ProxyError } from "../../errors/transport-errors.ts";
import { effectivePort } from "../proxy-url.ts";
import { createConnector, type ConnectorOptions } from "./connector.ts";
import type { ConnectLimits } from "./with-timeout.ts";

/** A tunnel to open for the reply of the proxy alone. */
export interface TunnelTest extends ConnectLimits {
  /** URL of the proxy with its credentials. */
  readonly proxy: string;
  /** The tunnel leads to the host of this URL. */
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
  /** Instant on the clock at which the test must have ended. */
  readonly deadline: number;
}

/**
 * Has a proxy open a tunnel to the host of a URL, and closes it. If the proxy refuses the port, the test is repeated with port
 * 443: many proxies open tunnels to no other port, whatever the credentials.
 *
 * @throws ProxyError of a proxy that refuses; the errors of a connector; the signal's reason.
 */
export async function testTunnel(
  options: ConnectorOptions,
  { proxy, url, signal, deadline, connectLimit, proxyLimits }: TunnelTest,
): Promise<void> {
  const { clock = systemClock } = options;
  const connect = createConnector({ ...options, socketPath: undefined, tunnelOnly: true }, new URL(proxy));
  const open = async (origin: string): Promise<void> => {
    const limits = { connectLimit: Math.max(0, Math.min(connectLimit, deadline - clock.now())), proxyLimits };
    const socket = await connect(new URL(origin), limits, signal ?? new AbortController().signal);
    socket.destroy();
  };
  try {
    await open(url.origin);
  } catch (error) {
    const isPortRefused = error instanceof ProxyError && error.reason === "refused";
    if (!isPortRefused || effectivePort(url) === 443) throw error;
    await open(`https://${url.hostname}`);
  }
}
