import { StatusError } from "../model/response.ts";
import { IncompleteBodyError } from "../errors/transport-errors.ts";

/** Ends a resumption: no further attempt can complete the body. Callers see an IncompleteBodyError. */
export class UnresumableBodyError extends IncompleteBodyError {
  override get name(): string {
    return IncompleteBodyError.name;
  }
}

/** Reports a body that contradicts its head, so that none of its bytes can be used. Callers see an IncompleteBodyError. */
export class CorruptBodyError extends IncompleteBodyError {
  override get name(): string {
    return IncompleteBodyError.name;
  }
}

/** Reports a redirect in place of the missing bytes. Only a new call follows it. Callers see a StatusError. */
export class RedirectedResumeError extends StatusError {
  override get name(): string {
    return StatusError.name;
  }
}
