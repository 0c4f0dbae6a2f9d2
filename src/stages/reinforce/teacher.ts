import { UserError } from '../../common/errors.ts'
import type { Warn } from '../../common/warnings.ts'
import type { Capabilities, Datum, TinkerSettings } from '../../engines/contract.ts'
import { type EngineName, withEngine } from '../../engines/open.ts'
import { differentToken } from '../../models/tokenizer/same.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { Task } from '../../tasks/task.ts'

/** Who teaches the policy token by token, and how much that counts beside the rewards. */
export interface TeacherSettings {
  /** A model on this machine whose tokens are those of the student. */
  readonly model: string
  /** α: what log π_teacher − log π is multiplied by before it is added to an advantage. */
  readonly weight: number
}

/** An open teacher. */
export interface Teacher {
  readonly weight: number
  /** What both the student and the teacher can take. */
  limited(can: Capabilities): Capabilities
  /** Warns if the teacher's own template would write the prompt of a question otherwise than the student's. */
  warnOfPrompts(task: Task, student: Renderer, warn: Warn): void
  /** log π_teacher(target) at each position of each datum (NaN where the weight is 0), at the temperature of the policy. */
  logprobs(datums: readonly Datum[], temperature: number): Promise<Float32Array[]>
}

/**
 * Opens a teacher's model and runs `work` with it, or with null if there is none; then closes it.
 *
 * @throws UserError if its model cannot be opened, or its tokens are not those of the student.
 */
export async function withTeacher<T>(
  {
    model: student,
    teacher,
    engine: name,
    tinker,
    threads,
  }: {
    readonly model: string
    readonly teacher: TeacherSettings | null
    readonly engine: EngineName
    readonly tinker: TinkerSettings | null
    readonly threads: number
  },
  work: (teacher: Teacher | null) => Promise<T>,
): Promise<T> {
  if (teacher === null) return work(null)
  checkTeacherTokens(student, teacher.model)
  // the server's name of the student
  const server = tinker && { ...tinker, model: null }
  return withEngine({ engine: name, tinker: server, model: teacher.model, threads }, async (engine) => {
    const scorer = await engine.scorer(engine.base)
    try {
      return await work({
        weight: teacher.weight,
        limited: (can) => ({ ...can, maxTokens: least(can.maxTokens, engine.can.maxTokens) }),
        warnOfPrompts: (task, student, warn) => warnOfPrompts(task, student, teacher.model, warn),
        logprobs: (datums, temperature) => scorer.logprobs(datums, { temperature }),
      })
    } finally {
      await scorer.close()
    }
  })
}

/** @throws UserError if the teacher's tokens are not those of the student; both are folders. */
export function checkTeacherTokens(student: string, teacher: string): void {
  const different = differentToken(student, teacher)
  if (different !== null)
    throw new UserError(
      `the teacher ${teacher} has other tokens than the student ${student}, so it cannot score the student's responses: ${different}. Use a teacher with the student's tokenizer`,
    )
}

const least = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

function warnOfPrompts(task: Task, student: Renderer, folder: string, warn: Warn): void {
  const [question] = task.training({ seed: 0, step: 1, count: 1 })
  const own = Renderer.load(folder)
  if (question && own.prompt(question).text !== student.prompt(question).text)
    warn(
      `the teacher ${folder} is shown the student's prompts, which its own template writes otherwise (${own.template}; the student's is ${student.template}): it may score what it was not trained on. Use --template ${own.template} if the student has it`,
    )
}

/**
 * What a teacher adds to the advantage of each position of a response: α (log π_teacher(o_t) − log π_old(o_t)); 0 where
 * log π_teacher is NaN, at tokens that were not sampled.
 *
 * It is −α times the one-sample estimate of the reverse KL[π_θ ‖ π_teacher] of the next token, and its policy gradient that of
 * −α KL (on-policy distillation: Thinking Machines, "On-Policy Distillation", 2025; the same divergence as GKD with λ = 1 and
 * β → 1, Agarwal et al., arXiv 2306.13649, §3, which sums over the vocabulary instead).
 */
export const taughtTerms = (weight: number, teacher: Float32Array, old: ArrayLike<number>): Float32Array =>
  teacher.map((logprob, t) => (Number.isNaN(logprob) ? 0 : weight * (logprob - old[t]!)))
