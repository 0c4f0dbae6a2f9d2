import pc from 'picocolors'
import type { Log, RequestEntry } from '../../../serve/log.ts'
import { type Output, writeMessage } from '../output.ts'

/**
 * A line or an object for each request, unless quiet. What a client wrote is not repeated: of an error there is its kind and
 * its field, and only where a provider failed also its message.
 */
export const requestLog = (output: Output): Log => ({
  request(entry) {
    output.emit({ type: 'request', ...facts(entry) })
    if (!output.json && !output.quiet) writeMessage(line(entry))
  },
  failure(error) {
    const text = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error)
    writeMessage(`${pc.red('error')} a request failed unexpectedly: ${text}`)
    if (process.env.RUMINATE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  },
})

function facts({
  id,
  method,
  route,
  dialect,
  status,
  seconds,
  watch,
  problem,
}: RequestEntry): Record<string, unknown> {
  return {
    id,
    time: new Date().toISOString(),
    method,
    route,
    dialect,
    status,
    seconds,
    ...(watch
      ? {
          promptTokens: watch.tokens.prompt,
          cachedTokens: watch.tokens.cached,
          completionTokens: watch.tokens.completion,
          thinkingTokens: watch.tokens.thinking,
          secondsToFirstToken: watch.secondsToFirstToken,
        }
      : {}),
    ...(problem ? { error: problem.kind, field: problem.field, message: messageOf(problem) } : {}),
  }
}

function line({ method, route, status, seconds, watch, problem }: RequestEntry): string {
  const time = new Date().toTimeString().slice(0, 8)
  const shown = status < 400 ? String(status) : pc.red(String(status))
  const parts = [`${time} ${shown} ${method} ${route}`, `${seconds.toFixed(2)} s`]
  if (watch && !problem) {
    const { prompt, completion, thinking } = watch.tokens
    if (prompt !== null) parts.push(`${prompt} tokens in`)
    if (completion !== null)
      parts.push(`${completion} out${thinking === null ? '' : ` (${thinking} thinking)`}`)
  }
  if (problem) parts.push([problem.kind, problem.field, messageOf(problem)].filter(Boolean).join(': '))
  return parts.join(' · ')
}

const messageOf = ({ kind, message }: NonNullable<RequestEntry['problem']>): string | null =>
  kind === 'provider' ? message : null
