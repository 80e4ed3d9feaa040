// `holdfast/undici`: everything of `@holdfast/http/undici`.
export * from "@holdfast/http/undici";
