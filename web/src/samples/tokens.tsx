import type { Token } from '../api/types.ts'
import { short } from '../numbers.ts'
import { csv, download } from '../parts/download.ts'
import { visible } from '../text/readable.ts'

export type Colouring = 'logprob' | 'entropy' | 'advantage'

export const COLOURINGS: readonly (readonly [Colouring, string])[] = [
  ['logprob', 'log-prob'],
  ['entropy', 'entropy'],
  ['advantage', 'advantage'],
]

const LEGEND: Record<Colouring, string> = {
  logprob: 'The stronger the colour, the less likely the token was.',
  entropy: 'The stronger the colour, the less decided the model was.',
  advantage: 'Blue tokens become more likely, orange ones less.',
}

/** The tokens of a response, each with a colour for its value. */
export function Tokens({ tokens, by }: { tokens: readonly Token[]; by: Colouring }) {
  const isKnown = tokens.some((token) => token[by] !== null)
  const most = Math.max(1e-9, ...tokens.map((token) => Math.abs(token[by] ?? 0)))
  return (
    <section>
      <h3>Tokens by {by === 'logprob' ? 'log-prob' : by}</h3>
      <p class="quiet">{isKnown ? LEGEND[by] : 'This run has not stored these values.'}</p>
      <div class="prose tokens">
        {tokens.map((token, i) => (
          <span key={i} class={heat(token[by], most, by)} title={told(token)}>
            {visible(token.text)}
          </span>
        ))}
      </div>
      <button type="button" onClick={() => download('tokens.csv', asCsv(tokens))}>
        Save the tokens as CSV
      </button>
    </section>
  )
}

/** Eight strengths: of a log-prob, from 1 (nothing) to e⁻⁵; of an entropy or advantage, up to the largest one. */
function heat(value: number | null, most: number, by: Colouring): string {
  if (value === null) return 'token'
  const share = by === 'logprob' ? -value / 5 : Math.abs(value) / most
  const strength = Math.min(8, Math.round(8 * share))
  return `token ${by === 'advantage' && value > 0 ? 'cool' : 'warm'}-${strength}`
}

const told = ({ logprob, entropy, advantage }: Token): string =>
  [
    logprob !== null && `log-prob ${short(logprob)} (${(100 * Math.exp(logprob)).toFixed(1)} %)`,
    entropy !== null && `entropy ${short(entropy)}`,
    advantage !== null && `advantage ${short(advantage)}`,
  ]
    .filter(Boolean)
    .join(', ')

const asCsv = (tokens: readonly Token[]): Blob =>
  csv(
    ['token', 'logprob', 'entropy', 'advantage'],
    tokens.map(({ text, logprob, entropy, advantage }) => [text, logprob, entropy, advantage]),
  )
