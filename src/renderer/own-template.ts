/**
 * A Jinja chat template in the form of R1-Zero's prompt: `{system} User: {question}. Assistant: {response}<eos>`.
 *
 * - `system` is the system message of conversations that have none.
 * - The template ends a user's message with a full stop, so a full stop at the end of the message is dropped.
 * - Thinking (`reasoning_content`, or everything up to `</think>` in the content) is dropped from answers before the last
 *   question.
 * - `enable_thinking=false` writes an empty think part, so that the model answers directly.
 * - `{% generation %}` marks the assistant's text, for `return_assistant_tokens_mask`.
 */
export function chatTemplate(system?: string): string {
  return TEMPLATE.replace('DEFAULT_SYSTEM', () => jinjaString(system ?? ''))
    .split('\n')
    .map((line) => line.trim())
    .join('')
}

const TEMPLATE = `
{%- set ns = namespace(system=DEFAULT_SYSTEM, question=-1) -%}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}{%- set ns.question = loop.index0 -%}{%- endif -%}
  {%- if message.role == 'system' -%}
    {%- if not loop.first -%}{{- raise_exception('A system message must be the first message.') -}}{%- endif -%}
    {%- set ns.system = message.content | trim -%}
  {%- endif -%}
{%- endfor -%}
{%- if ns.system -%}{{- ns.system -}}{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}
    {%- set content = message.content | trim -%}
    {%- if content.endswith('.') -%}{%- set content = content[:-1] -%}{%- endif -%}
    {%- if ns.system and (loop.first or (loop.index0 == 1 and messages[0].role == 'system')) -%}{{- ' ' -}}{%- endif -%}
    {{- 'User: ' + content + '. Assistant:' -}}
  {%- elif message.role == 'assistant' -%}
    {%- set content = message.content | trim -%}
    {%- set thinking = '' -%}
    {%- if loop.index0 < ns.question -%}
      {%- set content = content.split('</think>')[-1] | trim -%}
    {%- elif message.reasoning_content -%}
      {%- set thinking = '<think>\\n' + (message.reasoning_content | trim) + '\\n</think>\\n' -%}
    {%- endif -%}
    {%- generation -%}{{- ' ' + thinking + content + eos_token -}}{%- endgeneration -%}
    {%- if not loop.last -%}{{- '\\n' -}}{%- endif -%}
  {%- elif message.role != 'system' -%}
    {{- raise_exception('Unknown role: ' + message.role) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt and enable_thinking is defined and enable_thinking is false -%}
  {{- ' <think>\\n\\n</think>\\n' -}}
{%- endif -%}
`

function jinjaString(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`
}
