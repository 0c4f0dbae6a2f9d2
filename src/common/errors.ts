/** Something the user can mend: shown as one line without a stack trace. */
export class UserError extends Error {
  override name = 'UserError'
  constructor(
    message: string,
    /** 1: it failed; 2: the command was used wrongly. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message)
  }
}
