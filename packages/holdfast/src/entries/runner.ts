// `holdfast/runner`: everything of `@holdfast/runner`.
export * from "@holdfast/runner";
