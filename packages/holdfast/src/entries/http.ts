// `holdfast/http`: everything of `@holdfast/http`.
export * from "@holdfast/http";
