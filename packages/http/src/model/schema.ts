import { HoldfastError } from "@holdfast/policy";

/** The part of Standard Schema (standardschema.dev, version 1) that is used. zod, valibot, arktype and others implement it. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** The result of a validation: the value, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A problem of a value, and its path. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The body is JSON, but does not match the schema. */
export class SchemaError extends HoldfastError {
  readonly code = "ERR_SCHEMA";
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[]) {
    super(`The body does not match the schema: ${issues.map(describe).join("; ")}`);
    this.issues = issues;
  }
}

/**
 * Validates a value against a schema and returns the output of the schema.
 *
 * @throws SchemaError with every issue.
 */
export async function validate<T>(schema: StandardSchema<T>, value: unknown): Promise<T> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) throw new SchemaError(result.issues);
  return result.value;
}

function describe({ message, path = [] }: SchemaIssue): string {
  const place = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
  return place === "" ? message : `${place}: ${message}`;
}
