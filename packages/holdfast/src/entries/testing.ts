// `holdfast/testing`: the testing tools of `@holdfast/policy` and `@holdfast/http`.
export * from "@holdfast/policy/testing";
export * from "@holdfast/http/testing";
