/**
 * What the page can change besides notes: the studio's command gives it, since it starts commands.
 *
 * Each throws UserError for what cannot be done.
 */
export interface Control {
  /** The settings of each command that can be started, as JSON Schemas. */
  forms(): Readonly<Record<string, object>>
  /** Starts a training run in a process of its own. Resolves to the run's folder once there is one. */
  start(command: string, settings: Readonly<Record<string, unknown>>): Promise<string>
  /** Asks the process that writes a run to stop with a checkpoint. */
  stop(directory: string): Promise<void>
  /** Continues a run in a process of its own. Resolves once it is being written. */
  resume(directory: string): Promise<void>
}

/** The evaluations below the folder of the runs. What is read is `ruminate eval`'s own; null: there is none. */
export interface Evaluations {
  list(): readonly object[]
  read(id: string): object | null
  /** Answers of a cell by its number, to all questions or to the one with this key. */
  answers(id: string, cell: number, question: string | undefined): object | null
}
