import type { ThinkingFormat } from '../model.ts'

const tags = (
  name: string,
  start: string,
  end: string,
  answerStart?: string,
  answerEnd?: string,
): ThinkingFormat => ({
  name,
  thinking: { start, end },
  answer: answerStart && answerEnd ? { start: answerStart, end: answerEnd } : null,
})

/**
 * How models write their thinking, by name. Most models write as `deepseek`: DeepSeek, Qwen, GLM, Kimi K2, MiniMax M2, Nemotron,
 * Phi-4-reasoning, SmolLM3, OLMo 3, EXAONE 4, Hermes, and others.
 */
export const FORMATS = {
  deepseek: tags('deepseek', '<think>', '</think>'),
  /** DeepSeek-R1-Zero, Hunyuan, AM-Thinking. */
  'r1-zero': tags('r1-zero', '<think>', '</think>', '<answer>', '</answer>'),
  /** Granite 3.3, ERNIE 4.5. */
  'granite-3.3': tags('granite-3.3', '<think>', '</think>', '<response>', '</response>'),
  /** Granite 3.2, whose delimiters are prose, so they count only at the beginning. */
  granite: {
    ...tags('granite', 'Here is my thought process:', 'Here is my response:'),
    starts: ["Here's my thought process:"],
    ends: ["Here's my response:"],
    leading: true,
  },
  /** Apriel Thinker. */
  apriel: {
    ...tags('apriel', 'Here are my reasoning steps:', '[BEGIN FINAL RESPONSE]'),
    ends: ['[END FINAL RESPONSE]', '<|end|>'],
  },
  /** Magistral and Ministral Reasoning. */
  magistral: tags('magistral', '[THINK]', '[/THINK]'),
  /** OpenAI's harmony format: a response is messages in channels. A message to a tool counts as thinking. */
  'gpt-oss': {
    ...tags(
      'gpt-oss',
      '<|channel|>analysis<|message|>',
      '<|end|>',
      '<|start|>assistant<|channel|>final<|message|>',
      '<|return|>',
    ),
    ends: ['<|call|>', '<|return|>'],
    header: { starts: ['<|start|>', '<|channel|>'], end: '<|message|>', thinking: /analysis|\bto=/ },
  },
  /** Gemma 4. */
  gemma: tags('gemma', '<|channel>thought', '<channel|>'),
  /** Kimi-VL-Thinking. */
  kimi: tags('kimi', '◁think▷', '◁/think▷'),
  'kimi-k3': {
    ...tags(
      'kimi-k3',
      '<|open|>think<|sep|>',
      '<|close|>think<|sep|>',
      '<|open|>response<|sep|>',
      '<|close|>response<|sep|>',
    ),
    ends: ['<|close|>message<|sep|>'],
  },
  'minimax-m3': tags('minimax-m3', '<mm:think>', '</mm:think>'),
  'seed-oss': tags('seed-oss', '<seed:think>', '</seed:think>'),
  /** Command A Reasoning. */
  cohere: tags('cohere', '<|START_THINKING|>', '<|END_THINKING|>', '<|START_RESPONSE|>', '<|END_RESPONSE|>'),
  apertus: tags('apertus', '<|inner_prefix|>', '<|inner_suffix|>'),
  /** EXAONE Deep. */
  exaone: tags('exaone', '<thought>', '</thought>'),
  /** OpenThinker, Sky-T1. */
  openthinker: tags(
    'openthinker',
    '<|begin_of_thought|>',
    '<|end_of_thought|>',
    '<|begin_of_solution|>',
    '<|end_of_solution|>',
  ),
  /** Models that were asked in a prompt to think in this tag. */
  thinking: tags('thinking', '<thinking>', '</thinking>'),
  reasoning: tags('reasoning', '<reasoning>', '</reasoning>', '<answer>', '</answer>'),
} as const satisfies Record<string, ThinkingFormat>

export type FormatName = keyof typeof FORMATS
