import { existsSync, realpathSync } from 'node:fs'
import { UserError } from '../../common/errors.ts'
import { folderFingerprint } from '../../models/checkpoint/directory.ts'

/** The folder that an engine was opened from, and from which it may have to read the base weights again. */
export class BaseFolder {
  readonly path: string
  readonly #realPath: string
  /** What the folder contained when the engine was opened. */
  readonly #fingerprint: string

  /** @throws UserError if it is not a model folder. */
  constructor(path: string) {
    this.path = path
    this.#fingerprint = folderFingerprint(path)
    this.#realPath = realpathSync(path)
  }

  /**
   * Runs `read`, which reads the folder again.
   *
   * @throws UserError if the folder is not as it was when the engine was opened.
   */
  async readUnchanged(read: () => Promise<void>): Promise<void> {
    this.#checkUnchanged()
    await read()
    this.#checkUnchanged()
  }

  /** @throws UserError if `directory`, where a model is to be saved, is this folder. */
  checkTarget(directory: string): void {
    if (existsSync(directory) && realpathSync(directory) === this.#realPath)
      throw new UserError(
        `cannot save to ${directory}: the engine was opened from this folder and may read it again; choose another folder`,
      )
  }

  #checkUnchanged(): void {
    if (folderFingerprint(this.path) !== this.#fingerprint)
      throw new UserError(
        `the model in ${this.path} has changed since it was opened, so its original weights cannot be read again; leave the folder unchanged while it is in use`,
      )
  }
}
