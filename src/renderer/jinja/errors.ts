/** What a template raises by `raise_exception`, as it is written there. */
export class TemplateError extends Error {}

/** A fault in the template's text, or what Python would raise while rendering it. */
export class PythonError extends Error {}

/** Throws, in a place where an expression is wanted. */
export function fail(message: string): never {
  throw new PythonError(message)
}
