export type Language = 'python' | 'javascript'

/** An untrusted program and what it is given. */
export interface Program {
  readonly language: Language
  readonly source: string
  /** Standard input of a whole program, or one call of a function that the source defines. */
  readonly input: { readonly stdin: string } | Call
}

/** A function by its name, of the script or of a class `Solution` that it defines; or `Class.method`. */
export interface Call {
  readonly call: string
  /** A JSON list as text: numbers keep their spelling. */
  readonly args: string
}

/** What a program may use; one that uses more is ended. */
export interface Limits {
  /** Processor time of a process. */
  readonly cpuSeconds: number
  /** Time by the clock, from its start. */
  readonly wallSeconds: number
  /** Memory of a process, and of all its processes together. */
  readonly memoryMiB: number
  /** Standard output, standard error and result together. */
  readonly outputKiB: number
  /** Processes and threads. */
  readonly processes: number
  /** Files in its private /tmp. */
  readonly tmpMiB: number
}

export const DEFAULT_LIMITS: Limits = {
  cpuSeconds: 5,
  wallSeconds: 10,
  memoryMiB: 512,
  outputKiB: 1024,
  processes: 32,
  tmpMiB: 32,
}

/** What became of a program. Whatever it does to itself is an outcome; only a sandbox that cannot work throws. */
export interface Outcome {
  /** It ended well, ended badly, or was ended at a limit. */
  readonly end: 'exit' | 'failed' | 'timeout' | 'memory' | 'output'
  readonly stdout: string
  /** What the called function returned, as JSON; `null` where nothing was called or nothing came back. */
  readonly result: string | null
  /** The end of standard error, or what was exceeded: for people. */
  readonly detail: string
}

/** A function or a method that a call may name. */
export const CALLABLE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/
