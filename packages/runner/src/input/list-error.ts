import { HoldfastError } from "@holdfast/policy";
import { brandClass } from "@holdfast/policy/internal";

/** Thrown when a list cannot be read: it is missing, not readable, damaged, or not a text. */
export class ListError extends HoldfastError {
  readonly code = "ERR_LIST";
  /** The path of the list, as the caller named it. */
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

brandClass(ListError, "ListError");
