// `holdfast/axios`: everything of `@holdfast/http/axios`.
export * from "@holdfast/http/axios";
