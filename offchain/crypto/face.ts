/** What both backs of `#crypto` have in common. */
export type HashName = "sha256" | "sha384" | "sha512";
export type CurveName = "P-256" | "P-384";

/** A value now or later: the browser's back can only answer later. */
export type MaybePromise<T> = T | Promise<T>;
