/** Options of a session that speaks HTTP/2 if the last argument of the program is "http2". */
export const protocolOptions: {
  readonly http2?: boolean;
  readonly tls?: { readonly rejectUnauthorized: boolean };
} = process.argv.at(-1) === "http2" ? { http2: true, tls: { rejectUnauthorized: false } } : {};
