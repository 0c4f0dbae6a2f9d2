import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Watch } from './respond/watch.ts'

/** What Prometheus reads. No label has a value that a client chose. */
export class Metrics {
  readonly registry = new Registry()
  private readonly requests = new Counter({
    name: 'ruminate_requests_total',
    help: 'Requests by dialect and HTTP status',
    labelNames: ['dialect', 'status'],
    registers: [this.registry],
  })
  private readonly tokens = new Counter({
    name: 'ruminate_tokens_total',
    help: 'Tokens by kind: prompt (cached of these), completion (thinking of these)',
    labelNames: ['kind'],
    registers: [this.registry],
  })
  private readonly seconds = histogram(this.registry, {
    name: 'ruminate_request_seconds',
    help: 'Time of a request, waiting included',
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300],
  })
  private readonly firstToken = histogram(this.registry, {
    name: 'ruminate_time_to_first_token_seconds',
    help: 'Time from a request to its first token, waiting included',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
  })
  private readonly perToken = histogram(this.registry, {
    name: 'ruminate_time_per_token_seconds',
    help: 'Mean time between two tokens of a response',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
  })

  constructor(queue: { readonly waiting: number; readonly running: number }) {
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(value())
        },
      })
    }
    gauge('ruminate_queue_length', 'Requests that wait', () => queue.waiting)
    gauge('ruminate_running', 'Responses that are being written', () => queue.running)
  }

  count(dialect: string, status: number): void {
    this.requests.inc({ dialect, status: String(status) })
  }

  observe({ tokens, seconds, secondsToFirstToken, secondsPerToken }: Watch): void {
    for (const [kind, count] of Object.entries(tokens)) if (count !== null) this.tokens.inc({ kind }, count)
    this.seconds.observe(seconds)
    if (secondsToFirstToken !== null) this.firstToken.observe(secondsToFirstToken)
    if (secondsPerToken !== null) this.perToken.observe(secondsPerToken)
  }
}

const histogram = (
  registry: Registry,
  options: { name: string; help: string; buckets: number[] },
): Histogram => new Histogram({ ...options, registers: [registry] })
