import { HoldfastError } from "@holdfast/policy";
import { brandClass } from "@holdfast/policy/internal";
import type { HttpResponse } from "../model/response.ts";

/** A page has no usable list of items, or names a next page that is not one. Thrown by `session.paginate`. */
export class PaginationError extends HoldfastError {
  readonly code = "ERR_PAGINATION";
  /** The page. */
  readonly response: HttpResponse;

  constructor(message: string, response: HttpResponse) {
    super(message);
    this.response = response;
  }
}

/** The response is not a stream of server-sent events. Thrown by `session.events`. */
export class EventStreamError extends HoldfastError {
  readonly code = "ERR_EVENT_STREAM";
  readonly response: HttpResponse;

  constructor(message: string, response: HttpResponse) {
    super(message);
    this.response = response;
  }
}

brandClass(PaginationError, "PaginationError");
brandClass(EventStreamError, "EventStreamError");
