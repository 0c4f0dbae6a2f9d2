/** How an endpoint is spoken to, and what it can do. */
export interface Provider {
  /** The name before the colon, as in `deepseek:deepseek-reasoner`. */
  readonly name: string
  /** Its name for people. */
  readonly title: string
  readonly shape: 'openai' | 'anthropic' | 'ollama'
  /** Address up to `/chat/completions`, `/v1/messages` or `/api/chat`. */
  readonly baseUrl: string
  /** The provider's own environment variable for the address, besides Ruminate's. */
  readonly baseUrlVariable?: string
  /** The provider's own environment variable for the key. */
  readonly keyVariable: string
  /** Does its own address need a key? */
  readonly keyNeeded: boolean
  /** How it is told to continue a response; null: it cannot. */
  readonly prefix: PrefixWay | null
  /** How it is told whether and how much to think. */
  readonly thinking: ThinkingWay
  /** Does it continue a text without a template? */
  readonly rawPrompts: boolean
  readonly logprobs: boolean
  /** Does it take seeds? */
  readonly seed: boolean
  /** Fields that hold the longest response. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /** What is different at another address, where another server may speak the same format. */
  readonly elsewhere?: Pick<Provider, 'title' | 'maxTokensField' | 'thinking'>
  /** What a person should do if nobody listens at its address. */
  readonly start?: string
}

/**
 * `last message`: it continues an assistant's message at the end of the conversation. `continue_final_message`: so it
 * does with these fields of vLLM. `reasoning_content`: so it does with the thinking in this field, which has not ended if the
 * content is empty. `deepseek`: so it does with `prefix: true` besides, at the address for beta features.
 */
export type PrefixWay = 'last message' | 'continue_final_message' | 'reasoning_content' | 'deepseek'

/**
 * The fields for thinking. `template`: `chat_template_kwargs` for on and off and `reasoning_effort`, for servers that render a
 * chat template themselves; `template and effort`: the same with the effort in `chat_template_kwargs`, too;
 * `effort`: `reasoning_effort`, with `none` for off; `reasoning`: `reasoning: { enabled, effort }`; `enabled`:
 * `reasoning: { enabled }` and `reasoning_effort`; `type`: `thinking: { type }` and `reasoning_effort`; `budget`:
 * Anthropic's `thinking: { type, budget_tokens }`; `think`: Ollama's field.
 */
export type ThinkingWay =
  | 'template'
  | 'template and effort'
  | 'effort'
  | 'reasoning'
  | 'enabled'
  | 'type'
  | 'budget'
  | 'think'

const OPENAI = {
  shape: 'openai',
  keyNeeded: true,
  prefix: null,
  rawPrompts: false,
  logprobs: true,
  seed: true,
  maxTokensField: 'max_tokens',
} as const

/** Every provider that has a name, by this name. docs/providers.md shows the same table with its sources. */
export const PROVIDERS: Readonly<Record<string, Provider>> = byName([
  {
    ...OPENAI,
    name: 'deepseek',
    title: 'DeepSeek',
    baseUrl: 'https://api.deepseek.com',
    keyVariable: 'DEEPSEEK_API_KEY',
    prefix: 'deepseek',
    thinking: 'type',
    seed: false,
  },
  {
    ...OPENAI,
    name: 'together',
    title: 'Together',
    baseUrl: 'https://api.together.xyz/v1',
    keyVariable: 'TOGETHER_API_KEY',
    thinking: 'enabled',
    rawPrompts: true,
    logprobs: false,
  },
  {
    ...OPENAI,
    name: 'hyperbolic',
    title: 'Hyperbolic',
    baseUrl: 'https://api.hyperbolic.xyz/v1',
    keyVariable: 'HYPERBOLIC_API_KEY',
    thinking: 'template',
    rawPrompts: true,
  },
  {
    ...OPENAI,
    name: 'openrouter',
    title: 'OpenRouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariable: 'OPENROUTER_API_KEY',
    prefix: 'last message',
    thinking: 'reasoning',
    rawPrompts: true,
  },
  {
    ...OPENAI,
    name: 'huggingface',
    title: 'Hugging Face',
    baseUrl: 'https://router.huggingface.co/v1',
    keyVariable: 'HF_TOKEN',
    thinking: 'effort',
  },
  {
    ...OPENAI,
    name: 'fireworks',
    title: 'Fireworks',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariable: 'FIREWORKS_API_KEY',
    thinking: 'effort',
    rawPrompts: true,
  },
  {
    name: 'ollama',
    title: 'Ollama',
    shape: 'ollama',
    baseUrl: 'http://127.0.0.1:11434',
    baseUrlVariable: 'OLLAMA_HOST',
    keyVariable: 'OLLAMA_API_KEY',
    keyNeeded: false,
    prefix: 'last message',
    thinking: 'think',
    rawPrompts: true,
    logprobs: true,
    seed: true,
    maxTokensField: 'max_tokens',
    start: 'start Ollama with `ollama serve`',
  },
  {
    ...OPENAI,
    name: 'vllm',
    title: 'vLLM',
    baseUrl: 'http://127.0.0.1:8000/v1',
    baseUrlVariable: 'VLLM_BASE_URL',
    keyVariable: 'VLLM_API_KEY',
    keyNeeded: false,
    prefix: 'continue_final_message',
    thinking: 'template',
    rawPrompts: true,
    start: 'start it with `vllm serve MODEL`',
  },
  {
    ...OPENAI,
    name: 'llamacpp',
    title: 'llama.cpp',
    baseUrl: 'http://127.0.0.1:8080/v1',
    keyVariable: 'LLAMA_API_KEY',
    keyNeeded: false,
    prefix: 'reasoning_content',
    thinking: 'template and effort',
    rawPrompts: true,
    start: 'start it with `llama-server -m FILE.gguf`',
  },
  {
    ...OPENAI,
    name: 'lmstudio',
    title: 'LM Studio',
    baseUrl: 'http://127.0.0.1:1234/v1',
    keyVariable: 'LM_API_TOKEN',
    keyNeeded: false,
    thinking: 'effort',
    rawPrompts: true,
    logprobs: false,
    start: 'start its server with `lms server start`',
  },
  {
    ...OPENAI,
    name: 'openai',
    title: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    baseUrlVariable: 'OPENAI_BASE_URL',
    keyVariable: 'OPENAI_API_KEY',
    thinking: 'effort',
    rawPrompts: true,
    maxTokensField: 'max_completion_tokens',
    elsewhere: { title: 'The server', maxTokensField: 'max_tokens', thinking: 'template' },
  },
  {
    name: 'anthropic',
    title: 'Anthropic',
    shape: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    baseUrlVariable: 'ANTHROPIC_BASE_URL',
    keyVariable: 'ANTHROPIC_API_KEY',
    keyNeeded: true,
    prefix: null,
    thinking: 'budget',
    rawPrompts: false,
    logprobs: false,
    seed: false,
    maxTokensField: 'max_tokens',
  },
])

/** Other spellings of the names. */
export const ALIASES: Readonly<Record<string, string>> = {
  'llama.cpp': 'llamacpp',
  'llama-cpp': 'llamacpp',
  'lm-studio': 'lmstudio',
  hf: 'huggingface',
}

function byName(providers: readonly Provider[]): Record<string, Provider> {
  return Object.fromEntries(providers.map((provider) => [provider.name, provider]))
}
