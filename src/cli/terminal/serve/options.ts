import type { ArgsDef } from 'citty'
import { UserError } from '../../../common/errors.ts'
import type { Access } from '../../../serve/request/guard.ts'
import { EFFORTS } from '../../../thinking/strategies/effort.ts'
import { STRATEGIES, type StrategySpec } from '../../../thinking/strategies/strategy.ts'
import { choiceOption, integerOption, listOption, textOption, type Values } from '../arguments.ts'

/** Who may use a server. */
export const accessOptions = {
  host: {
    type: 'string',
    valueHint: 'ADDRESS',
    description: 'address to listen on (default 127.0.0.1: this machine alone); 0.0.0.0: every network',
  },
  key: {
    type: 'string',
    valueHint: 'KEY,…',
    description:
      'keys, one of which a request must carry; also in RUMINATE_API_KEY, where other users of this machine do not see it',
  },
  insecure: { type: 'boolean', description: 'let other machines use the model without a key' },
  'allow-host': {
    type: 'string',
    valueHint: 'NAME,…',
    description: 'names of this server besides its addresses and localhost, such as ai.example.com',
  },
  'allow-origin': {
    type: 'string',
    valueHint: 'URL,…',
    description: "web pages that may use it besides this machine's, such as https://chat.example.com; *: all",
  },
} satisfies ArgsDef

/** What `accessOptions` say. @throws UserError */
export function accessOf(values: Values, environment: NodeJS.ProcessEnv = process.env): Access {
  const keys =
    keysIn(textOption(values, 'key'), '--key') ?? keysIn(environment.RUMINATE_API_KEY, 'RUMINATE_API_KEY')
  const hosts = listOption(values, 'allow-host') ?? []
  for (const host of hosts)
    if (!/^[\w.-]+$/.test(host))
      throw new UserError(`--allow-host ${host}: give a name alone, such as ai.example.com`, 2)
  const origins = listOption(values, 'allow-origin') ?? []
  for (const origin of origins)
    if (origin !== '*' && !/^[a-z][a-z\d+.-]*:\/\/[^/\s]+\/?$/i.test(origin))
      throw new UserError(
        `--allow-origin ${origin}: give the origin of a page, such as https://chat.example.com`,
        2,
      )
  return { keys: keys ?? [], hosts, origins }
}

/** Keys as headers can carry them. The error does not show them. */
function keysIn(text: string | undefined, source: string): string[] | null {
  if (text === undefined || (text === '' && source !== '--key')) return null
  const keys = text.split(',').map((key) => key.trim())
  if (keys.some((key) => !/^[\x21-\x7e]+$/.test(key)))
    throw new UserError(
      `${source} must be one or several keys, separated by commas, of letters, digits and signs without spaces`,
      2,
    )
  return keys
}

/** How the served model is used. */
export const strategyOptions = {
  strategy: {
    type: 'string',
    valueHint: 'NAME',
    description: `how a response is made: ${STRATEGIES.join(', ')} (default sample)`,
  },
  samples: { type: 'string', valueHint: 'N', description: 'responses of vote and best-of-n (default 8)' },
  rounds: { type: 'string', valueHint: 'N', description: 'rounds of refine (default 2)' },
  effort: {
    type: 'string',
    valueHint: 'LEVEL',
    description: `how much to think, where a request does not say: ${EFFORTS.join(', ')}`,
  },
  budget: {
    type: 'string',
    valueHint: 'N',
    description: 'thinking tokens at most, in place of an effort; a request may ask for another number',
  },
  'min-budget': { type: 'string', valueHint: 'N', description: 'thinking tokens at least' },
  'reward-model': {
    type: 'string',
    valueHint: 'DIR',
    description: 'reward model that weighs votes or chooses the best response',
  },
  judge: { type: 'string', valueHint: 'MODEL', description: 'model that chooses the best response' },
} satisfies ArgsDef

/** What `strategyOptions` say. @throws UserError where they contradict each other. */
export function strategyOf(values: Values): {
  readonly spec: StrategySpec
  readonly reward: string | undefined
  readonly judge: string | undefined
} {
  const kind = choiceOption(values, 'strategy', STRATEGIES) ?? 'sample'
  const samples = integerOption(values, 'samples', 1, 1024)
  const rounds = integerOption(values, 'rounds', 1, 64)
  const effort = choiceOption(values, 'effort', EFFORTS)
  const max = integerOption(values, 'budget', 0)
  const min = integerOption(values, 'min-budget', 0)
  const [reward, judge] = [textOption(values, 'reward-model'), textOption(values, 'judge')]
  const sampled = kind === 'vote' || kind === 'best-of-n'
  const wrong = (message: string): UserError => new UserError(message, 2)
  if (samples !== undefined && !sampled) throw wrong('--samples needs --strategy vote or best-of-n')
  if (rounds !== undefined && kind !== 'refine') throw wrong('--rounds needs --strategy refine')
  if (effort !== undefined && (max ?? min) !== undefined)
    throw wrong('--effort and --budget both say how much to think: give one of them')
  if (reward !== undefined && !sampled) throw wrong('--reward-model needs --strategy vote or best-of-n')
  if (judge !== undefined && kind !== 'best-of-n') throw wrong('--judge needs --strategy best-of-n')
  if (reward !== undefined && judge !== undefined)
    throw wrong('--reward-model and --judge both choose the best response: give one of them')
  if (kind === 'best-of-n' && reward === undefined && judge === undefined)
    throw wrong('--strategy best-of-n needs something that chooses: --reward-model DIR or --judge MODEL')
  return {
    spec: {
      kind,
      ...(sampled ? { samples: samples ?? 8 } : {}),
      ...(kind === 'vote' && reward !== undefined ? { weighted: true } : {}),
      ...(kind === 'refine' ? { rounds: rounds ?? 2 } : {}),
      ...(effort === undefined ? {} : { effort }),
      ...((max ?? min) === undefined ? {} : { budget: { max, min } }),
    },
    reward,
    judge,
  }
}
