/** The received bytes are not a valid HTTP/1.1 response. The message says what is wrong with them. */
export class MalformedResponse extends Error {}
