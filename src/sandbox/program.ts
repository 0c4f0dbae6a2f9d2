export type Language = 'python' | 'javascript'

/** An untrusted program and its input. */
export interface Program {
  readonly language: Language
  readonly source: string
  /** Standard input of a whole program, or one call of a function that the source defines. */
  readonly input: { readonly stdin: string } | Call
}

/** A function call. */
export interface Call {
  /** Name of a function of the script or of its class `Solution`, or `Class.method`. */
  readonly call: string
  /** The arguments, a JSON list as text, so that numbers keep their spelling. */
  readonly args: string
}

/** Limits on a program; one that exceeds a limit is stopped. */
export interface Limits {
  /** Processor time of each process. */
  readonly cpuSeconds: number
  /** Time on the clock since its start. */
  readonly wallSeconds: number
  /** Memory of each process, and of all its processes together. */
  readonly memoryMiB: number
  /** Size of standard output, standard error and result together. */
  readonly outputKiB: number
  /** Number of processes and threads. */
  readonly processes: number
  /** Size of the files in its private /tmp. */
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

/** How a program ended. All its failures are outcomes; only a failure of the sandbox itself throws. */
export interface Outcome {
  /** `exit`: it succeeded; `failed`: it failed by itself; otherwise the limit at which it was stopped. */
  readonly end: 'exit' | 'failed' | 'timeout' | 'memory' | 'output'
  readonly stdout: string
  /** The value that the called function returned, as JSON; `null` if there was no call or it did not return. */
  readonly result: string | null
  /** The end of standard error, or the limit that was exceeded: to show to people. */
  readonly detail: string
}

/** The file descriptor for results, apart from everything that a program prints. */
export const RESULT_FD = 3

/** Names that `Call.call` may have. */
export const CALLABLE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/
