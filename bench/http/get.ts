/** Gets a URL and resolves with the whole body. Rejects when the status is not 200. */
export type Get = (url: string) => Promise<Uint8Array>;
