/** The caller's request cannot be sent. */
export class UnsendableRequest extends TypeError {}
