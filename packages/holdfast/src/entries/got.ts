// `holdfast/got`: everything of `@holdfast/http/got`.
export * from "@holdfast/http/got";
