import { describe, expect, test } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { compileTemplate } from '../../renderer/jinja.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import { chatTemplate } from '../../renderer/own-template.ts'
import { renderGoTemplate } from '../../testing/go-template.ts'
import { goTemplate } from './go-template.ts'
import { findPieces } from './pieces.ts'

const CHATML =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
/** Thinking is printed in the last answer alone, and may be turned off. */
const QWEN3 = `{%- set ns = namespace(last=0) -%}{%- for m in messages -%}{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for m in messages -%}
{%- if m.role == 'assistant' and loop.index0 > ns.last and m.reasoning_content -%}{{ '<|im_start|>assistant\n<think>\n' + m.reasoning_content + '\n</think>\n\n' + m.content + '<|im_end|>\n' }}
{%- else -%}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false -%}{{ '<think>\n\n</think>\n\n' }}{%- endif -%}{%- endif -%}`
/** BOS comes first; the prompt opens the thinking, and earlier answers are printed without theirs. */
const DISTILL =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% endif %}{% endfor %}{% for m in messages %}{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] + '<｜end｜>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %}"
/** The system message is a part of the first question. */
const GEMMA =
  "{{ bos_token }}{% set first = messages[0].content + '\n\n' if messages[0].role == 'system' else '' %}{% for m in messages if m.role != 'system' %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + (first if loop.first else '') + m.content + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
const NO_SYSTEM =
  "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}{{ '[' + m.role + '{{' + m.content + ']' }}{% endfor %}{% if add_generation_prompt %}{{ '[assistant{{' }}{% endif %}"

const BOS = '<s>'
const now = new Date('2026-01-01T12:00:00')

function rendererOf(source: string) {
  const template = compileTemplate(source)
  return (
    messages: readonly ChatMessage[],
    options: { addGenerationPrompt?: boolean | undefined; arguments?: object | undefined },
  ) =>
    attempt(() =>
      template(
        {
          bos_token: BOS,
          eos_token: '<|end|>',
          ...options.arguments,
          messages,
          add_generation_prompt: options.addGenerationPrompt ?? false,
        },
        { now },
      ),
    )
}

/** A template's own errors become those that ChatTemplate throws. */
function attempt(work: () => string): string {
  try {
    return work()
  } catch (error) {
    throw new UserError((error as Error).message)
  }
}

const message =
  (role: string) =>
  (content: string, more = {}) => ({ role, content, ...more })
const [system, user, assistant] = ['system', 'user', 'assistant'].map(message) as [
  ReturnType<typeof message>,
  ReturnType<typeof message>,
  ReturnType<typeof message>,
]

/** What Ollama would render (`Template.Execute` of its template package). */
function byOllama(source: string, thinks: boolean, messages: ChatMessage[], think?: boolean): string {
  const template = goTemplate(findPieces(rendererOf(source), BOS), thinks)
  return renderGoTemplate(template, {
    System: messages
      .filter(({ role }) => role === 'system')
      .map(({ content }) => content)
      .join('\n\n'),
    Messages: messages.map(({ role, content, reasoning_content }) => ({
      Role: role,
      Content: content,
      Thinking: reasoning_content ?? '',
    })),
    Think: think ?? false,
    IsThinkSet: think !== undefined,
  })
}

const templates = { own: chatTemplate('Think first.'), CHATML, QWEN3, DISTILL, GEMMA, NO_SYSTEM }
const chats = {
  question: [user('Why?')],
  system: [system('Be brief'), user('Why?')],
  conversation: [user('One'), assistant('1'), user('Two'), assistant('2'), user('Three')],
  'conversation with a system message': [system('Be brief'), user('One'), assistant('1'), user('Two')],
}

describe.each(Object.entries(templates))('%s', (name, source) => {
  test.each(Object.entries(chats))('%s', (_, messages) => {
    if (name === 'NO_SYSTEM' && messages[0]!.role === 'system') return
    const right = rendererOf(source)(messages, { addGenerationPrompt: true })
    // Ollama puts BOS before the prompt itself.
    expect(byOllama(source, true, messages)).toBe(right.replace(BOS, ''))
  })
})

test.each([true, false])('thinking set to %s', (think) => {
  const right = rendererOf(QWEN3)([user('Why?')], {
    addGenerationPrompt: true,
    arguments: { enable_thinking: think },
  })
  expect(byOllama(QWEN3, true, [user('Why?')], think)).toBe(right)
})

test('an answer that is to be continued, with its thinking', () => {
  const begun = [user('Why?'), assistant('Because', { reasoning_content: 'Hm' })]
  expect(byOllama(QWEN3, true, begun)).toBe(
    '<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n<think>\nHm\n</think>\n\nBecause',
  )
})

test('the capability "thinking" is there for models that think alone', () => {
  // `InferTags`: the texts around .Thinking, which must be the first and the last inside the same block
  const tags = /\{\{ if and \$last \.Thinking \}\}([^{]*)\{\{ \.Thinking \}\}([^{]*)\{\{ end \}\}/
  const thinking = tags.exec(goTemplate(findPieces(rendererOf(CHATML), null), true))
  expect(thinking?.slice(1).map((text) => text.trim())).toEqual(['<think>', '</think>'])
  expect(goTemplate(findPieces(rendererOf(CHATML), null), false)).not.toContain('Thinking')
  expect(goTemplate(findPieces(rendererOf(QWEN3), null), true)).not.toContain('Tools')
})

test('a template whose turns depend on their number is refused', () => {
  const counted = "{% for m in messages %}{{ '[' ~ loop.index ~ m.content ~ ']' }}{% endfor %}"
  expect(() => findPieces(rendererOf(counted), null)).toThrow('prints the first and the second answer')
})
