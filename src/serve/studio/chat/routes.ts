import type { Context, Hono } from 'hono'
import { type Api, given, parsed } from '../api.ts'
import { idOf } from '../runs/routes.ts'
import type { ChatModels } from './chat-models.ts'
import { strategyQuery } from './strategy.ts'

/** Below it and a model's name are the paths of the dialects, such as `/v1/chat/completions`. */
const MODELS = '/studio/models'

/** The models of a run, and conversations with one. */
export function chatRoutes(api: Api, hono: Hono, models: ChatModels): void {
  api.get('/runs/:id/models', (context) => ({ models: models.ofRun(idOf(context)) }))
  hono.all(
    `${MODELS}/:model/*`,
    api.answer(
      (context) => {
        const query = parsed(strategyQuery, given(context.req.query()))
        return models.use(context.req.param('model') ?? '', query, async (server) =>
          server.fetch(ownRequest(context), context.env),
        )
      },
      { changes: true },
    ),
  )
}

/** A request as the model's own server gets it: without the path of the studio, and the model's name. */
function ownRequest({ req: { raw } }: Context): Request {
  const url = new URL(raw.url)
  url.pathname = url.pathname
    .split('/')
    .slice(MODELS.split('/').length + 1)
    .join('/')
  return new Request(url, { method: raw.method, headers: raw.headers })
}
