// `holdfast/policy`: everything of `@holdfast/policy`.
export * from "@holdfast/policy";
