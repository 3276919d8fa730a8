// Owns what a failure says to the person who looks at the page.

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error))
