import { StatusError } from "../model/response.ts";
import { IncompleteBodyError } from "../errors/transport-errors.ts";

/** A body that can never be carried on, so that no other attempt needs to be made. To the caller an IncompleteBodyError. */
export class LostBodyError extends IncompleteBodyError {
  override get name(): string {
    return IncompleteBodyError.name;
  }
}

/** A body that was not what its head says, so that nothing which came of it can be trusted. To the caller an IncompleteBodyError. */
export class FalseBodyError extends IncompleteBodyError {
  override get name(): string {
    return IncompleteBodyError.name;
  }
}

/** A redirect in the place of the rest of a body, which only a call made anew follows. To the caller a StatusError. */
export class MovedError extends StatusError {
  override get name(): string {
    return StatusError.name;
  }
}
