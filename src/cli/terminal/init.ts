import pc from 'picocolors'
import { shellWord } from '../../common/shell.ts'
import { plural } from '../../common/words.ts'
import type { AnswerExample } from '../../init/examples.ts'
import type { InitReport, InitWatch } from '../../init/init.ts'
import type { TableReport } from '../../init/table.ts'
import { sayLanguagePart } from './language-part.ts'
import { showNext } from './next.ts'
import { type Output, percent } from './output.ts'
import { displayWidth, oneLine, padEnd, truncate } from './width.ts'

/** Columns of a question and of an answer, and lines of a response, that are shown. */
const QUESTION = 240
const ANSWER = 24
const LINES = 6

/** Shows the table and the model's answers as soon as they are known. */
export function watchInit(output: Output): InitWatch {
  return {
    onProgress: (line) => output.live(line),
    onTable: (report) => {
      output.emit({ type: 'table', ...report })
      output.say(tableText(report, output.columns))
    },
    onModel: (folder) => sayLanguagePart(output, folder),
    onAnswers: (answers) => {
      output.emit({ type: 'answers', ...answers })
      for (const example of answers.examples) output.say(`\n${exampleText(example, output.columns)}`)
      if (answers.score === null) return
      const { questions, responses, passAt1, sometimes } = answers.score
      const asked = plural(questions, 'question')
      output.say(
        `\n${aligned([
          ['pass@1', `${percent(passAt1)} (${plural(responses, 'response')} to ${asked})`],
          ['sometimes right', `${sometimes} of ${asked}`],
        ])}`,
      )
    },
  }
}

/** What will work, how long it takes, and the next command. */
export function summarizeInit(output: Output, report: InitReport): void {
  const { verdict, estimate, out, next, settings, model } = report
  output.emit({ type: 'result', ...report, next: { ...next, command: `npx ruminate ${next.command}` } })
  if (output.json) return
  output.prose(`\n${pc.bold('What will work')}: ${verdict.title}`)
  for (const reason of verdict.reasons) output.prose(`  ${reason}`)
  if (estimate && (verdict.kind === 'reinforce' || verdict.kind === 'fine-tune'))
    output.result(
      `\n${pc.bold('Estimate')} (from the speed measured here)\n${aligned([
        ...(estimate.sft === null ? [] : [['sft', duration(estimate.sft)] as const]),
        ['zero', duration(estimate.zero)],
        ['eval', duration(estimate.eval)],
        ['memory', size(estimate.memory)],
      ])}`,
    )
  output.prose(`\nwrote ${out}: settings for sft, zero and eval, to read and change`)
  if (settings.lora)
    output.say(
      `  With them, adapters of rank ${settings.lora.rank} are trained (lora) in the place of all ${model.parameters.toLocaleString('en-US')} weights.`,
    )
  showNext(output, [[next.command, next.purpose]])
}

function tableText(report: TableReport, columns: number): string {
  const { file, guesses, unused, rows, training, heldOut, share, problems, first } = report
  const name = (role: 'question' | 'answer' | 'thinking'): string => report.columns[role] ?? role
  const facts: [what: string, text: string][] = [
    [`question  ${name('question')}`, first.question],
    ...(report.answers ? [[`answer    ${name('answer')}`, first.gold] as [string, string]] : []),
    ...(report.solutions > 0
      ? [[`solution  ${name('thinking')}`, first.thinking ?? ''] as [string, string]]
      : []),
  ]
  return [
    `${pc.bold(file)}: ${plural(rows, 'row')}`,
    ...aligned(facts.map(([what, text]) => [what, oneLine(text)]))
      .split('\n')
      .map((line) => truncate(line, columns)),
    ...guesses.map(
      ({ role, name }) => `  "${name}" is taken for the ${ROLES[role]} (another: --columns ${role}=NAME)`,
    ),
    ...(unused.length > 0 ? [`  not used: ${unused.join(', ')}`] : []),
    `  ${training} to learn from, ${heldOut} held out${share === null ? ' by the names of the files' : ''}`,
    ...problems.map((problem) => `${pc.yellow('!')} ${summary(problem)}`),
    ...(problems.length > 0
      ? [`  npx ruminate tasks check ${shellWord(file)}   ${pc.dim('shows more of them')}`]
      : []),
  ].join('\n')
}

/** Rows of a name and a value. */
function aligned(rows: readonly (readonly [name: string, value: string])[]): string {
  const longest = Math.max(...rows.map(([name]) => displayWidth(name)))
  return rows.map(([name, value]) => `  ${padEnd(name, longest)}   ${value}`).join('\n')
}

/** The heading of a list of problems, with the first one. */
function summary(problem: string): string {
  const [heading, first] = problem.split('\n').map((line) => line.trim())
  return first === undefined ? heading! : `${heading}, such as ${first}`
}

const ROLES = {
  question: 'question',
  answer: 'answer',
  thinking: 'worked solution',
  choices: 'choices',
  tests: 'test cases',
}

/** A question, the beginning of a response to it, and whether the answer is right. */
function exampleText({ question, response, answer, gold, correct }: AnswerExample, columns: number): string {
  const mark = correct === null ? pc.yellow('not checked') : correct ? pc.green('right') : pc.red('wrong')
  const short = (text: string): string => truncate(oneLine(text), ANSWER)
  const lines = response.trim().split('\n')
  return [
    `${pc.bold('Question')} ${truncate(oneLine(question), QUESTION)}`,
    ...lines.slice(0, LINES).map((line) => pc.dim(`  ${truncate(line, columns - 2)}`)),
    ...(lines.length > LINES ? [pc.dim(`  … ${plural(lines.length - LINES, 'line')} more`)] : []),
    `  ${mark}: ${answer === null ? 'no answer' : `answered ${short(answer)}`}, expected ${short(gold)}`,
  ].join('\n')
}

/** 260 → "about 4 minutes". */
export function duration(seconds: number): string {
  if (seconds < 10) return 'a few seconds'
  if (seconds < 55) return `about ${10 * Math.round(seconds / 10)} seconds`
  if (seconds < 90) return 'about a minute'
  if (seconds < 3300) return `about ${Math.round(seconds / 60)} minutes`
  if (seconds < 5400) return 'about an hour'
  if (seconds < 36 * 3600) return `about ${Math.round(seconds / 3600)} hours`
  return `about ${Math.round(seconds / 86_400)} days`
}

/** 1.3e9 → "about 1.5 GB". */
export function size(bytes: number): string {
  const halves = Math.ceil(bytes / 5e8) / 2
  return `about ${halves < 10 ? halves : Math.ceil(halves)} GB`
}
