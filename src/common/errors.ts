/** An error that the user can correct: shown as one line, without a stack trace. */
export class UserError extends Error {
  override name = 'UserError'
  constructor(
    message: string,
    /** Exit code of the command: 1, it failed; 2, it was used incorrectly. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message)
  }
}

/** A provider of models cannot be reached, refuses the key or the model, or broke off: another request fails, too. */
export class ProviderError extends UserError {
  override name = 'ProviderError'
}

/** Messages or a prompt that leave a model no room for a reply. */
export class PromptTooLong extends UserError {
  override name = 'PromptTooLong'
}

/** An error handler that returns `value` if a model had no room for its reply, and throws any other error again. */
export const ifTooLong =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof PromptTooLong) return value
    throw error
  }

/** Thrown when a command was stopped by Ctrl-C or a signal; its message says what is kept and how it goes on. */
export class Stopped extends Error {
  override name = 'Stopped'
}
