import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Ask, AskedRequest, Dialect, Lookup, Served } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { checkModel } from '../../request/check-model.ts'
import { type Piece, replies } from './replies.ts'
import { chatRequest, chatSchema, generateRequest, generateSchema, type Shared, wishOf } from './requests.ts'

/*
 * Ollama's own API. Its streams are one JSON object a line, and a request is streamed unless it says otherwise. What belongs
 * to the running of models, such as `keep_alive` and `options.num_gpu`, is ignored.
 */

/** The version of Ollama whose API this is: clients ask for it before they use what came with a version. */
const VERSION = '0.13.0'

/** Ollama's dialect. */
export const ollama: Dialect = {
  name: 'ollama',
  title: 'Ollama',
  owns: ['/api'],
  routes: [
    {
      kind: 'generation',
      method: 'POST',
      path: '/api/chat',
      about: 'The next message of a conversation',
      schema: chatSchema,
      ask: (body, served) =>
        asking(body, served, chatRequest(body, served), (said) => ({
          message: { role: 'assistant', ...written(said, 'content') },
        })),
    },
    {
      kind: 'generation',
      method: 'POST',
      path: '/api/generate',
      about: 'The response to a prompt',
      schema: generateSchema,
      ask: (body, served) =>
        asking(body, served, generateRequest(body, served), (said) => written(said, 'response')),
    },
    lookup('GET', '/api/tags', 'The models', (served) => ({
      models: served.names.map((name) => model(name, served)),
    })),
    lookup('GET', '/api/ps', 'The models in memory', (served) => ({
      models: served.names.map((name) => ({
        ...model(name, served),
        expires_at: '9999-12-31T23:59:59Z',
        ...(served.can.maxTokens === null ? {} : { context_length: served.can.maxTokens }),
      })),
    })),
    lookup('GET', '/api/version', 'The version of this API', () => ({ version: VERSION })),
    {
      ...lookup('POST', '/api/show', 'What a model can do', (served, _, body) => show(served, body)),
      schema: z.looseObject({ model: z.string().nullish(), name: z.string().nullish() }),
    },
    ...refusals(),
  ],
  error: ({ message }) => ({ error: message }),
}

/** What is said, with the text in the field of this name. */
const written = ({ thinking, text, calls }: Piece, field: 'content' | 'response'): object => ({
  [field]: text ?? '',
  ...(thinking === undefined ? {} : { thinking }),
  ...(calls === undefined ? {} : { tool_calls: calls }),
})

function asking(
  body: Shared,
  served: Served,
  request: AskedRequest | null,
  piece: (said: Piece) => object,
): Ask {
  checkModel(withoutLatest(body.model, served), served)
  return {
    requests: request === null ? [] : [request],
    wish: wishOf(body),
    stream: body.stream ?? true,
    ...replies(request, { model: served.names[0]!, piece }),
  }
}

function lookup(method: Lookup['method'], path: string, about: string, answer: Lookup['answer']): Lookup {
  return { kind: 'lookup', method, path, about, answer }
}

/** What another server's models need, and this one does not do. */
function refusals(): Lookup[] {
  const paths = {
    '/api/pull': 'cannot download models; start `ruminate serve --model NAME` with another one',
    '/api/push': 'cannot upload models',
    '/api/create': 'cannot create models',
    '/api/copy': 'cannot copy models',
    '/api/embed': 'has no embeddings: its model writes text',
    '/api/embeddings': 'has no embeddings: its model writes text',
  }
  return Object.entries(paths).map(([path, reason]) => ({
    ...lookup('POST', path, 'Refused', () => {
      throw new RequestError('invalid', `this server ${reason}`)
    }),
    schema: z.looseObject({}),
  }))
}

/** Ollama's clients may name a model with the tag `latest`. */
const withoutLatest = (name: string, { names }: Served): string =>
  names.includes(name) ? name : name.replace(/:latest$/, '')

function model(name: string, { created, identity }: Served): object {
  return {
    name,
    model: name,
    modified_at: new Date(created * 1000).toISOString(),
    digest: createHash('sha256').update(identity).digest('hex'),
    details: DETAILS,
  }
}

/** What is not known of a model is empty, as in Ollama. */
const DETAILS = {
  parent_model: '',
  format: '',
  family: '',
  families: [],
  parameter_size: '',
  quantization_level: '',
}

function show(served: Served, body: unknown): object {
  const { model, name } = body as { model?: string | null; name?: string | null }
  checkModel(withoutLatest(model ?? name ?? '', served), served)
  const { can, created } = served
  return {
    modelfile: '',
    parameters: '',
    template: '',
    details: DETAILS,
    model_info: {
      'general.architecture': 'ruminate',
      'general.basename': served.names[0],
      ...(can.maxTokens === null ? {} : { 'ruminate.context_length': can.maxTokens }),
    },
    capabilities: [
      'completion',
      ...(can.tools ? ['tools'] : []),
      ...(can.thinks === false ? [] : ['thinking']),
    ],
    modified_at: new Date(created * 1000).toISOString(),
  }
}
