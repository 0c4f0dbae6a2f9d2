import type { Dialect } from '../../../serve/dialect.ts'
import type { RunningServer } from '../../../serve/serve.ts'
import type { StrategySpec } from '../../../thinking/strategies/strategy.ts'
import type { Output } from '../output.ts'
import { padEnd } from '../width.ts'

interface Greeting {
  readonly server: RunningServer
  readonly names: readonly string[]
  readonly dialects: readonly Dialect[]
  readonly spec: StrategySpec
  readonly hasKey: boolean
}

/** Says where the server is, what it serves, and how three kinds of clients reach it. */
export function greet(output: Output, { server, names, dialects, spec, hasKey }: Greeting): void {
  const { url } = server
  output.emit({
    type: 'listening',
    url,
    port: server.port,
    models: names,
    dialects: dialects.map(({ name }) => name),
    key: hasKey,
  })
  if (output.json) return
  const local = url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//127.0.0.1')
  const model = JSON.stringify(names[0])
  const key = (header: string): string => (hasKey ? ` \\\n    -H "${header}$RUMINATE_API_KEY"` : '')
  const messages = '"messages": [{"role": "user", "content": "What is 6 times 7?"}]'
  output.prose(`${names.join(', ')} is served at ${url}${used(spec)}`)
  output.say()
  const width = Math.max(...dialects.map(({ title }) => title.length))
  for (const { title, routes } of dialects)
    output.aside(`  ${padEnd(title, width)}  ${routes.find(({ path }) => path !== '/')!.path}`)
  output.say()
  const examples = [
    [
      'OpenAI',
      `base URL ${local}/v1`,
      '/v1/chat/completions',
      `{"model": ${model},`,
      key('authorization: Bearer '),
    ],
    [
      'Anthropic',
      `base URL ${local}`,
      '/v1/messages',
      `{"model": ${model}, "max_tokens": 512,`,
      key('x-api-key: '),
    ],
    [
      'Ollama',
      `OLLAMA_HOST=${local}`,
      '/api/chat',
      `{"model": ${model}, "stream": false,`,
      key('authorization: Bearer '),
    ],
  ] as const
  for (const [client, where, path, fields, header] of examples)
    output.aside(
      `${client} clients: ${where}\n  curl ${local}${path}${header} \\\n    -d '${fields}\n    ${messages}}'`,
    )
  output.say()
  if (hasKey) output.say('The examples read a key from RUMINATE_API_KEY.')
  output.say('Ctrl-C stops the server.')
}

const used = ({ kind = 'sample', samples, rounds, budget, effort }: StrategySpec): string => {
  const parts = [
    kind === 'vote' ? `a vote over ${samples} responses` : '',
    kind === 'best-of-n' ? `the best of ${samples} responses` : '',
    kind === 'refine' ? `refined in ${rounds} rounds` : '',
    budget?.max === undefined ? '' : `at most ${budget.max} thinking tokens`,
    budget?.min === undefined ? '' : `at least ${budget.min} thinking tokens`,
    effort === undefined ? '' : `effort ${effort}`,
  ].filter((part) => part !== '')
  return parts.length > 0 ? `, ${parts.join(', ')}` : ''
}
