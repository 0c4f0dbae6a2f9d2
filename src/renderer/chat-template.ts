import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { tokenizerFolder } from '../models/checkpoint/peft/find-base.ts'
import { readJsonObject } from '../models/json-file.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { type ChatSpan, hasMark, marksGeneration, readMarks } from './generation-marks.ts'
import { JinjaError, RaisedByTemplate } from './jinja/errors.ts'
import { tokenize } from './jinja/syntax/lexer.ts'
import { compileTemplate } from './jinja.ts'
import type { ChatMessage } from './messages.ts'

/** What a chat template renders, and with what. */
export interface RenderOptions {
  /** End with the beginning of the assistant's next message. */
  readonly addGenerationPrompt?: boolean | undefined
  /** Descriptions of tools, as JSON schemas in OpenAI's form. */
  readonly tools?: readonly unknown[] | undefined
  /** Variables of the template, in the place of those of the run with the same names. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

/** Values of a template that belong to the whole run: variables such as `enable_thinking`, and the date. */
export interface TemplateSettings {
  /** Variables of the template besides the messages, such as `enable_thinking`. */
  readonly arguments: Readonly<Record<string, unknown>>
  /** The date that templates print, as YYYY-MM-DD: fixed when a run begins, so that a resumed run has the same prompts. */
  readonly date: string
}

/** Today, in local time, as YYYY-MM-DD. */
export function today(): string {
  const now = new Date()
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}

/** A tokenizer's chat template, rendered as by Transformers' `apply_chat_template`. */
export class ChatTemplate {
  /** Does the template mark the assistant's text with `{% generation %}`? */
  readonly marksGeneration: boolean
  /** Names in the template that may be arguments about thinking, those that are set first. */
  readonly thinkingArguments: readonly string[]
  /** Variables besides the messages, such as `enable_thinking`. */
  readonly arguments: TemplateSettings['arguments']
  readonly #folder: string
  readonly #sources: ReadonlyMap<string, string>
  readonly #render: (messages: readonly ChatMessage[], options: RenderOptions) => string

  private constructor(
    folder: string,
    sources: ReadonlyMap<string, string>,
    specialTokens: Tokenizer['specialTokens'],
    settings: TemplateSettings,
  ) {
    this.#folder = folder
    this.#sources = sources
    this.marksGeneration = marksGeneration(sources.get('default')!)
    this.arguments = settings.arguments
    const names = sources.get('default')!.match(/\b(?:\w*think(?:ing)?|reasoning_effort)\b/g) ?? []
    this.thinkingArguments = [...new Set([...Object.keys(settings.arguments), ...names])]
    const now = new Date(`${settings.date}T12:00:00`)
    const compiled = new Map<string, ReturnType<typeof compileTemplate>>()
    this.#render = (messages, { addGenerationPrompt = false, tools, arguments: given }) => {
      const name = tools !== undefined && sources.has('tool_use') ? 'tool_use' : 'default'
      const template = compiled.get(name) ?? compileTemplate(sources.get(name)!)
      compiled.set(name, template)
      const variables = {
        ...specialTokens,
        ...settings.arguments,
        ...given,
        messages: messages.map(withBothNames),
        tools: tools ?? null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
      }
      return template(variables, { now })
    }
  }

  /**
   * Reads the chat template of a tokenizer's folder: chat_template.jinja, or else `chat_template` in
   * tokenizer_config.json or in chat_template.json. Returns null if it has none.
   */
  static read(
    folder: string,
    specialTokens: Tokenizer['specialTokens'],
    settings: TemplateSettings,
  ): ChatTemplate | null {
    const sources = templateSources(folder)
    return sources.has('default') ? new ChatTemplate(folder, sources, specialTokens, settings) : null
  }

  /**
   * Names that an argument may have: the names in the template without those of variables that are always set.
   *
   * @throws UserError if the template cannot be read.
   */
  get argumentNames(): ReadonlySet<string> {
    const tokens = this.#checked(() => [...this.#sources.values()].flatMap(tokenize))
    const names = tokens.flatMap(({ type, value }) => (type === 'name' ? [value] : []))
    return new Set(names.filter((name) => !ALWAYS_SET.includes(name)))
  }

  /** Renders a conversation. @throws UserError with the template's own message if it refuses the conversation. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return this.spans(messages, options)
      .map(({ text }) => text)
      .join('')
  }

  /** What `render` returns, split into the spans that the template marks as generated and those between. */
  spans(messages: readonly ChatMessage[], options: RenderOptions = {}): ChatSpan[] {
    if (hasMark(JSON.stringify(messages)))
      throw new UserError('a message holds U+FDD0 or U+FDD1, which are not characters; remove them')
    return this.#checked(() => readMarks(this.#render(messages, options)))
  }

  /** @throws UserError with the message of an error of the template. */
  #checked<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof JinjaError || error instanceof RaisedByTemplate)
        throw new UserError(`the chat template of ${this.#folder} fails: ${error.message}`)
      throw error
    }
  }
}

/** Variables that are always set, whatever the arguments. */
const ALWAYS_SET = ['messages', 'tools', 'documents', 'add_generation_prompt']

/** Thinking under both names that templates read, as Transformers passes it. */
const withBothNames = (message: ChatMessage) => {
  const { reasoning_content: thinking } = message
  return thinking === undefined ? { ...message } : { ...message, thinking }
}

const configSchema = z.looseObject({
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
})

/** The sources of a folder's templates by name: "default", and perhaps others such as "tool_use". */
export function templateSources(model: string): Map<string, string> {
  const folder = tokenizerFolder(model)
  const sources = new Map<string, string>()
  for (const name of ['chat_template.json', 'tokenizer_config.json']) {
    const file = join(folder, name)
    const { chat_template } = existsSync(file) ? checked(readJsonObject(file), file) : {}
    if (typeof chat_template === 'string') sources.set('default', chat_template)
    else for (const { name, template } of chat_template ?? []) sources.set(name, template)
  }
  const others = join(folder, 'additional_chat_templates')
  if (existsSync(others))
    for (const name of readdirSync(others).filter((name) => name.endsWith('.jinja')))
      sources.set(name.slice(0, -'.jinja'.length), readFileSync(join(others, name), 'utf8'))
  const single = join(folder, 'chat_template.jinja')
  if (existsSync(single)) sources.set('default', readFileSync(single, 'utf8'))
  return sources
}

function checked(json: unknown, file: string): z.infer<typeof configSchema> {
  const result = configSchema.safeParse(json)
  if (result.success) return result.data
  throw new UserError(`${file} is damaged: "chat_template" is neither a text nor a list of named templates`)
}
