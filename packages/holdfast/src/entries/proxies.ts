// `holdfast/proxies`: everything of `@holdfast/proxies`.
export * from "@holdfast/proxies";
