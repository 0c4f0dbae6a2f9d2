import { stringify } from 'yaml'
import type { PromptTemplate } from '../renderer/renderer.ts'
import type { Columns } from '../tasks/table/columns.ts'
import type { FirstSettings } from './first-settings.ts'

/** What a settings file for `sft`, `zero` and `eval` says besides the numbers. */
export interface FileContent {
  /** The command that wrote it, and the verdict in one line. */
  readonly command: string
  readonly verdict: string
  readonly model: string
  readonly task: string
  readonly columns: Columns
  readonly template: PromptTemplate
  readonly seed: number
  /** Null if the names of the files decide which questions are held out. */
  readonly share: number | null
  /** Are the rows conversations, which `sft` learns from as they are? */
  readonly conversations: boolean
  /** Can answers be checked, so that the file has a section for `zero`? */
  readonly checked: boolean
  /** Of the model. */
  readonly parameters: number
  readonly numbers: FirstSettings
}

/** A setting with a comment, or a mapping of settings. */
type Entry = readonly [name: string, value: unknown, comment: string] | readonly [name: string, Entry[]]

/** Column at which comments begin, where the setting before is shorter. */
const COMMENTS = 32

/** The text of a settings file in YAML, with a comment for each setting. */
export function settingsFile(content: FileContent): string {
  const { command, verdict, model, task, columns, template, seed, share, numbers } = content
  const { lora, sft, zero } = numbers
  const forAdapters = lora === null ? '' : 'for adapters; '
  const rl: Entry[] = [
    ['questionsPerStep', zero.questionsPerStep, 'questions of each step'],
    ['groupSize', zero.groupSize, 'responses to each question'],
    ['maxTokens', zero.maxTokens, 'longest response, in tokens'],
    ['learningRate', zero.learningRate, `${forAdapters}lower it if the reward falls`],
  ]
  const named = Object.entries(columns).filter(([, name]) => name !== undefined)
  const shared: Entry[] = [
    ['model', model, 'where training starts'],
    ['task', task, 'the questions'],
    ...(named.length > 0
      ? [
          [
            'columns',
            named.map(([role, name]): Entry => [role, name, COLUMNS[role as keyof Columns]]),
          ] as const,
        ]
      : []),
    ['template', template, TEMPLATES[template]],
    ['seed', seed, 'of all random numbers'],
    [
      'eval',
      [
        ...(share === null ? [] : [['share', share, 'held out, the same rows for every command'] as const]),
        ['questions', numbers.questions, 'held-out questions that are asked'],
        ['samples', numbers.samples, 'responses to each of them'],
      ],
    ],
  ]
  const sections: Entry[] = [
    [
      'sft',
      [
        ...(content.conversations ? [['data', task, 'conversations to learn from'] as const] : []),
        ['epochs', sft.epochs, 'passes over the training rows'],
        ['batchSize', sft.batchSize, 'rows of each step'],
        ['maxLength', sft.maxLength, 'longest row, in tokens'],
        ['learningRate', sft.learningRate, `${forAdapters}lower it if the loss rises`],
        ['eval', [['every', sft.every, 'steps between evaluations']]],
      ],
    ],
    ...(content.checked
      ? [
          [
            'zero',
            [
              ['steps', zero.steps, 'more steps, more practice'],
              ['rl', rl],
              ['eval', [['every', zero.every, 'steps between evaluations']]],
            ] as Entry[],
          ] as const,
        ]
      : []),
  ]
  return [
    `# Written by \`${command}\`.`,
    `# What will work: ${verdict}.`,
    '# Every command reads the first part; a section is for the command of its name.',
    '',
    ...shared.flatMap((entry) => lines(entry, '')),
    ...(lora === null
      ? []
      : [
          ...whyAdapters(content.parameters),
          ...lines(['lora', [['rank', lora.rank, 'of the adapters']]], ''),
        ]),
    ...sections.flatMap((entry) => ['', ABOUT[entry[0] as keyof typeof ABOUT], ...lines(entry, '')]),
    '',
  ].join('\n')
}

const COLUMNS: Readonly<Record<keyof Columns, string>> = {
  question: 'the column with the question',
  answer: 'the gold answer',
  thinking: 'the worked solution, for sft',
  choices: 'the choices',
  kind: 'results are reported for each kind',
  tests: 'the test cases',
}

const TEMPLATES: Readonly<Record<PromptTemplate, string>> = {
  'r1-zero': "R1-Zero's; or chat, the model's own",
  chat: "the model's own; or r1-zero",
}

const whyAdapters = (parameters: number): string[] => [
  '',
  `# Low-rank adapters are trained in the place of all ${millions(parameters)} weights, which`,
  '# would take several times the memory, and more time. Adapters need about ten',
  '# times the learning rates of all weights: lower both if you take lora out.',
]

/** 134515008 → "135M", 1543714304 → "1.54B". */
const millions = (count: number): string =>
  count < 999.5e6 ? `${Number((count / 1e6).toPrecision(3))}M` : `${Number((count / 1e9).toPrecision(3))}B`

const ABOUT = { sft: '# Fine-tuning', zero: '# Reinforcement learning' }

function lines(entry: Entry, indent: string): string[] {
  const [name, value, comment] = entry
  if (comment === undefined)
    return [`${indent}${name}:`, ...(value as Entry[]).flatMap((one) => lines(one, `${indent}  `))]
  const setting = `${indent}${name}: ${scalar(value)}`
  return [`${setting.padEnd(COMMENTS - 2)}  # ${comment}`]
}

/** A value on one line, quoted where YAML needs it. */
const scalar = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()
