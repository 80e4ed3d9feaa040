/** The parts of the platform that axios's fetch adapter uses. */
export interface FetchEnvironment {
  readonly fetch: typeof globalThis.fetch;
  readonly Request: typeof Request;
  readonly Response: typeof Response;
}

/**
 * Returns the environment in which axios's fetch adapter sends through a fetch. The adapter hands each body over inside a Request, where it
 * can be read once. Its Request records the body, so that large ones can be sent again too.
 */
export function createFetchEnvironment(fetch: typeof globalThis.fetch): FetchEnvironment {
  const bodies = new WeakMap<Request, NonNullable<RequestInit["body"]>>();
  class RecordingRequest extends Request {
    constructor(input: ConstructorParameters<typeof Request>[0], init?: RequestInit) {
      super(input, init);
      const body = init?.body;
      if (isRepeatable(body)) bodies.set(this, body);
    }
  }
  return {
    fetch: (input, init) => {
      const body = input instanceof Request ? bodies.get(input) : undefined;
      return fetch(input, body === undefined ? init : { ...init, body });
    },
    Request: RecordingRequest,
    Response,
  };
}

/** Whether a body has the same bytes and the same type in a second Request. Each form has another boundary. */
function isRepeatable(body: RequestInit["body"]): body is NonNullable<RequestInit["body"]> {
  return (
    typeof body === "string" ||
    ArrayBuffer.isView(body) ||
    body instanceof ArrayBuffer ||
    body instanceof URLSearchParams ||
    body instanceof Blob
  );
}
