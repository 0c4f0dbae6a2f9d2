import { PromptTooLong } from '../common/errors.ts'
import { counted, type Progress } from '../common/progress.ts'
import { Random } from '../common/random.ts'
import type { Question, Task } from '../tasks/task.ts'
import { collect } from '../thinking/collect.ts'
import type { TextRequest } from '../thinking/model.ts'
import { readAnswer } from './answer.ts'
import { hash, type KeptModel } from './store/kept-model.ts'
import type { AnswerStore, KeptAnswer, KeptQuestion } from './store/store.ts'

/** What every request of an evaluation has besides the question. */
export type AskOptions = Pick<
  TextRequest,
  'temperature' | 'topP' | 'topK' | 'minP' | 'maxTokens' | 'thinking' | 'templateArguments'
>

/** Who is asked what. */
export interface Asking {
  readonly model: KeptModel
  readonly task: Task
  readonly questions: readonly Question[]
  /** Responses to each question. */
  readonly samples: number
  readonly seed: number
  readonly options: AskOptions
  readonly signal?: AbortSignal | undefined
  /** What is being done, for the progress. */
  readonly what: string
  readonly progress: Progress
  /** Called for a question that the model cannot be asked. */
  readonly onUnasked: (question: Question, reason: string) => void
}

/** Requests in progress at the same time, of which a provider's client sends as many as its limit allows. */
const IN_FLIGHT = 512

/**
 * Asks a model questions and checks the answers. Everything is stored as soon as it is known; what is stored already is not
 * asked or checked again. After a failure, requests in progress are finished and stored before it is thrown.
 *
 * @returns the key under which the store has the answers.
 */
export async function ask(store: AnswerStore, asking: Asking): Promise<string> {
  const { model, questions, samples, seed, options, signal, what, progress } = asking
  const cell = hash([model.identity, seed, options])
  const onAnswer = counted(progress, what, questions.length * samples)
  const jobs = missing(store, cell, asking, onAnswer)
  const unasked = new Set<Question>()

  const work = async ({ question, index, sample }: Job): Promise<void> => {
    signal?.throwIfAborted()
    const request: TextRequest = {
      ...options,
      messages: question.messages ?? [{ role: 'user', content: question.prompt }],
      seed: new Random(seed, 'evaluation', index).bits(),
      sample,
      whole: true,
      signal,
    }
    try {
      const response = await collect(model.respond(request))
      const { answer } = readAnswer(response, model.can.format)
      const { correct, reason } = await asking.task.check(question, answer)
      store.keepAnswer(cell, model.key(request), {
        question: keptQuestion(question),
        sample,
        answer,
        correct,
        verdict: reason,
      })
    } catch (error) {
      if (!(error instanceof PromptTooLong)) throw error
      if (!unasked.has(question)) asking.onUnasked(question, error.message)
      unasked.add(question)
    }
    onAnswer()
  }
  const workers = Array.from({ length: IN_FLIGHT }, async () => {
    // the first failure ends the shared iterator, so that the other workers finish the job that they have
    for (const job of jobs) await work(job)
  })
  const failed = (await Promise.allSettled(workers)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return cell
}

interface Job {
  readonly question: Question
  readonly index: number
  readonly sample: number
}

/** The answers that are not stored yet, question by question, so that requests with the same prompt are near each other. */
function* missing(
  store: AnswerStore,
  cell: string,
  { questions, samples }: Asking,
  onStored: () => void,
): Generator<Job> {
  for (const [index, question] of questions.entries()) {
    const stored = new Set(store.answers(cell, keptQuestion(question).key).map(({ sample }) => sample))
    for (let sample = 0; sample < samples; sample++)
      if (stored.has(sample)) onStored()
      else yield { question, index, sample }
  }
}

/** A question as the store has it. */
export function keptQuestion({ id, kind, prompt, messages, gold }: Question): KeptQuestion {
  return { key: hash([id, kind, prompt, messages ?? null, gold]), id, kind, prompt, gold }
}

/** The stored answers of a cell: of each question, those with a number below `samples`. */
export const storedAnswers = (
  store: AnswerStore,
  cell: string,
  questions: readonly KeptQuestion[],
  samples: number,
): KeptAnswer[][] =>
  questions.map(({ key }) => store.answers(cell, key).filter(({ sample }) => sample < samples))
