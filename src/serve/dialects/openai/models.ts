import type { Dialect, Served } from '../../dialect.ts'
import { RequestError } from '../../problem.ts'
import { openAiError } from './shared.ts'

/** The list of models, in a form that clients of OpenAI and of Anthropic read. */
export const models: Dialect = {
  name: 'models',
  title: 'Models',
  owns: ['/v1/models', '/models'],
  routes: ['/v1/models', '/models'].flatMap((path) => [
    {
      kind: 'lookup',
      method: 'GET',
      path,
      about: 'List the models',
      answer: (served) => {
        const data = served.names.map((name) => modelOf(name, served))
        return {
          object: 'list',
          data,
          has_more: false,
          first_id: served.names[0],
          last_id: served.names.at(-1),
        }
      },
    },
    {
      kind: 'lookup',
      method: 'GET',
      path: `${path}/:model{.+}`,
      about: 'Describe a model',
      answer: (served, { model = '' }) => {
        const name = served.names.find((one) => one === model)
        if (name === undefined)
          throw new RequestError(
            'unknownModel',
            `the model ${JSON.stringify(model)} was not found; this server has ${served.names.join(', ')}`,
            { field: 'model' },
          )
        return modelOf(name, served)
      },
    },
  ]),
  error: openAiError,
}

/** `max_model_len` is vLLM's name for the context. */
const modelOf = (id: string, { created, can }: Served): object => ({
  id,
  object: 'model',
  created,
  owned_by: 'ruminate',
  ...(can.maxTokens === null ? {} : { max_model_len: can.maxTokens }),
  type: 'model',
  display_name: id,
  created_at: new Date(created * 1000).toISOString(),
})
