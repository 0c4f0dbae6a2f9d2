import type { z } from 'zod'
import type { TextModel } from '../../../thinking/model.ts'
import type { Dialect, Generation } from '../../dialect.ts'
import { chatCompletions } from '../../dialects/openai/chat-completions.ts'

/** The schema and the reader of OpenAI's chat completions. */
const { schema, ask } = chatCompletions.routes[0] as Generation

/**
 * `POST /prompt`, with the body of a chat completion, answers `{prompt, tokens}`: the text that the model would continue, with
 * its template, and its number of tokens; null for a provider's model, whose template is not known here.
 */
export const promptDialect = (model: TextModel): Dialect => ({
  name: 'prompt',
  title: 'Prompt',
  owns: ['/prompt'],
  routes: [
    {
      kind: 'lookup',
      method: 'POST',
      path: '/prompt',
      about: 'Show the prompt of a conversation as the model sees it',
      schema: schema as z.ZodType,
      async answer(served, _, body) {
        const request = ask(body, served).requests[0]!
        return {
          prompt: (await model.showPrompt?.(request)) ?? null,
          tokens: (await model.countPrompt?.(request)) ?? null,
        }
      },
    },
  ],
  error: chatCompletions.error,
})
