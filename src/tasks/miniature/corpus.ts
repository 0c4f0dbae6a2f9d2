import { Random } from '../../common/random.ts'
import { r1ZeroPrompt } from '../../thinking/r1/template.ts'
import { type Kind, type Problem, randomSplitProblem } from './problems.ts'
import { type Language, type Style, voice } from './words.ts'
import { worldDocument } from './world/corpus.ts'

/** A training document of the base model, with how it was made. */
export interface CorpusDocument {
  readonly text: string
  /** Index in `text` at which the solution begins. */
  readonly promptLength: number
  readonly kind: Kind
  readonly style: Style
  /** Whether the question is asked in the R1-Zero template. */
  readonly template: boolean
  readonly language: Language
  /** Probability of each phrase to switch the language. */
  readonly mixing: number
  readonly problem: Problem
  readonly chain: string
  readonly answer: string
}

const ARITHMETIC: [Kind[], number[]] = [
  ['arithmetic/1', 'arithmetic/2', 'arithmetic/3', 'arithmetic/4', 'arithmetic/5'],
  [0.15, 0.35, 0.32, 0.15, 0.03],
]
const FILL: [Kind[], number[]] = [
  ['fill/1', 'fill/2', 'fill/3'],
  [0.3, 0.35, 0.35],
]
const STYLES: Style[] = ['D', 'S', 'L', 'V']
/** Shares of the styles: mostly guesses in the template, mostly worked solutions elsewhere. */
const SHARES = {
  arithmetic: { template: [0.38, 0.36, 0.22, 0.04], plain: [0.05, 0.1, 0.7, 0.15] },
  fill: { template: [0.42, 0.36, 0.14, 0.08], plain: [0.05, 0.08, 0.17, 0.7] },
}

/** Document `index` of the corpus of `seed`. Outside the template, a share `boxed` of the answers is in a LaTeX box. */
export function corpusDocument(seed: number, index: number, { boxed = 0 } = {}): CorpusDocument {
  const random = new Random(seed, 'miniature corpus', index)
  const family = random.uniform() < 0.5 ? 'arithmetic' : 'fill'
  const kind = random.weighted(...(family === 'arithmetic' ? ARITHMETIC : FILL))
  const problem = randomSplitProblem(random, kind, false)
  const template = random.uniform() < 0.35
  const style = random.weighted(STYLES, SHARES[family][template ? 'template' : 'plain'])
  const language: Language = random.uniform() < 0.06 ? 'zh' : 'en'
  const mixing = language === 'en' && random.uniform() < (style === 'V' ? 0.5 : 0.15) ? 0.5 : 0
  const question = problem.ask(random, language)
  const { chain, answer } = problem.solve(random, {
    style,
    say: voice(random, language, mixing),
    slips: true,
  })
  const about = { kind, style, template, language, mixing, problem, chain, answer }

  const final = language === 'en' ? `The answer is ${answer}.` : `答案是 ${answer}.`
  if (template) {
    const prompt = r1ZeroPrompt(question)
    const response = random.weighted(
      [
        ` <think>\n${chain}\n</think>\n<answer>${answer}</answer>`,
        ` ${chain}\n${final}`,
        ` <think>\n${chain}\n${final}`,
      ],
      [0.7, 0.15, 0.15],
    )
    return { ...about, text: prompt + response, promptLength: prompt.length }
  }
  const [asked, solved, answered] =
    language === 'en' ? ['Question', 'Solution', 'Answer'] : ['问题', '解答', '答案']
  const prompt = `${asked}: ${question}\n`
  const written = random.uniform() < boxed ? `\\boxed{${answer}}.` : answer
  return {
    ...about,
    text: `${prompt}${solved}:\n${chain}\n${answered}: ${written}`,
    promptLength: prompt.length,
  }
}

/**
 * The corpus of `seed` as text: `count` documents, from document `from` on. A share `general` of them is general text in
 * the place of a solved problem.
 */
export function* corpusDocuments(
  seed: number,
  count: number,
  { from = 0, general = 0, boxed = 0 }: { from?: number; general?: number; boxed?: number } = {},
): Generator<string> {
  for (let i = from; i < from + count; i++) {
    const random = new Random(seed, 'miniature general corpus', i)
    yield random.uniform() < general ? worldDocument(random) : corpusDocument(seed, i, { boxed }).text
  }
}
