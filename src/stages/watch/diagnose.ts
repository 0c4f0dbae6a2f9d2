/** Input of the diagnosis: the metrics of the last steps, newest last, and the newest rollouts. */
export interface Symptoms {
  readonly window: readonly Readonly<Record<string, number>>[]
  readonly samples: readonly {
    readonly text: string
    readonly answer: string | null
    readonly total: number | null
    readonly correct: boolean | null
    readonly stopReason: 'stop' | 'length'
  }[]
  /** Messages of the rewards that failed. */
  readonly errors: readonly string[]
}

interface Cause {
  readonly applies: (s: Symptoms) => boolean
  readonly message: (s: Symptoms) => string
  /** Is this rollout an example of the cause? */
  readonly shows?: (sample: Symptoms['samples'][number]) => boolean
}

/** Is the metric known, and does it pass the test, in every step of the window? */
const throughout = (s: Symptoms, name: string, test: (value: number) => boolean): boolean =>
  s.window.length > 0 && s.window.every((metrics) => metrics[name] !== undefined && test(metrics[name]))

const percent = (value: number | undefined): string =>
  value === undefined ? 'unknown' : `${Math.round(100 * value)} %`
const newest = (s: Symptoms, name: string): number | undefined => s.window.at(-1)?.[name]

const CAUSES: Cause[] = [
  {
    applies: (s) => s.errors.length > 0,
    message: (s) =>
      `${s.errors.length} reward computation${s.errors.length === 1 ? '' : 's'} failed; those rollouts are left out of the update. The first: ${s.errors[0]}`,
  },
  {
    applies: (s) => throughout(s, 'length/cut', (v) => v > 0.9),
    message: (s) =>
      `${percent(newest(s, 'length/cut'))} of the responses are cut off before they end: raise rl.maxTokens, or use a model that ends its responses`,
    shows: (sample) => sample.stopReason === 'length',
  },
  {
    applies: (s) => s.samples.length > 0 && s.samples.every((sample) => sample.answer === null),
    message: () => 'no answer could be read from any response (no <answer> part), so accuracy can only be 0',
    shows: (sample) => sample.answer === null,
  },
  {
    applies: (s) => throughout(s, 'format', (v) => v === 0),
    message: () =>
      'the format never occurs (<think>…</think><answer>…</answer>), and the model cannot find it by chance: fine-tune it on a few examples first',
    shows: (sample) => sample.answer === null || sample.total === 0,
  },
  {
    applies: (s) => throughout(s, 'learning_rate', (v) => v === 0),
    message: () => 'the learning rate is 0: nothing is learned',
  },
  {
    applies: (s) =>
      throughout(s, 'groups/zero_variance', (v) => v === 1) && throughout(s, 'accuracy', (v) => v === 0),
    message: () =>
      'all rewards within each group are the same, because no answer is right: the questions are too hard, or the check expects another form',
    shows: (sample) => sample.correct === false,
  },
  {
    applies: (s) =>
      throughout(s, 'groups/zero_variance', (v) => v === 1) && throughout(s, 'accuracy', (v) => v === 1),
    message: () =>
      'all rewards within each group are the same, because every answer is right: the questions are too easy',
  },
  {
    applies: (s) =>
      throughout(s, 'groups/zero_variance', (v) => v === 1) &&
      throughout(s, 'accuracy', (v) => v > 0 && v < 1),
    message: () =>
      'all rewards within each group are the same, so every advantage is 0: raise rl.groupSize or rl.temperature, or mix easier and harder questions',
  },
  {
    applies: (s) =>
      throughout(s, 'grad_norm', (v) => v === 0) && !throughout(s, 'groups/zero_variance', (v) => v === 1),
    message: () =>
      'the gradient is 0 although rewards differ: every token is clipped or masked; look at clip/low, clip/high and length/cut',
  },
  {
    applies: (s) => throughout(s, 'mismatch/max', (v) => v > 0.1),
    message: (s) =>
      `sampler and trainer disagree by up to ${newest(s, 'mismatch/max')?.toFixed(3)} nats per token: the trainer's log-probs do not match the sampler's`,
  },
  {
    applies: (s) => throughout(s, 'entropy', (v) => v < 0.001),
    message: (s) =>
      `the entropy has fallen to ${newest(s, 'entropy')?.toExponential(1)} nats: the policy no longer explores`,
  },
]

/** Messages for the known reasons why a run does not learn, each with an example if there is one. */
export function diagnose(symptoms: Symptoms): string[] {
  return CAUSES.filter((cause) => cause.applies(symptoms)).map((cause) => {
    const sample = cause.shows && symptoms.samples.find(cause.shows)
    return sample
      ? `${cause.message(symptoms)}. For example: ${excerpt(sample.text)}`
      : cause.message(symptoms)
  })
}

/** The text on one line, shortened to its beginning and end. */
export function excerpt(text: string): string {
  const line = JSON.stringify(text.trim())
  return line.length > 200 ? `${line.slice(0, 120)} … ${line.slice(-70)}` : line
}
