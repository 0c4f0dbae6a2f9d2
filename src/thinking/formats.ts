import type { ThinkingFormat } from './model.ts'

const tags = (name: string, start: string, end: string): ThinkingFormat => ({
  name,
  thinking: { start, end },
  answer: null,
})

/**
 * How models write their thinking, by name. A name stands for a way of writing: `deepseek` is also that of Qwen, GLM, Kimi
 * K2, MiniMax, Nemotron, Phi-4-reasoning, SmolLM3, OLMo, EXAONE 4 and most others.
 */
export const FORMATS = {
  deepseek: tags('deepseek', '<think>', '</think>'),
  /** DeepSeek-R1-Zero, and AM-Thinking. */
  'r1-zero': {
    name: 'r1-zero',
    thinking: { start: '<think>', end: '</think>' },
    answer: { start: '<answer>', end: '</answer>' },
  },
  /** Magistral, with its special tokens. */
  magistral: tags('magistral', '[THINK]', '[/THINK]'),
  /** OpenAI's harmony format: messages with a channel each. Messages to a tool count as thinking. */
  'gpt-oss': {
    name: 'gpt-oss',
    thinking: { start: '<|channel|>analysis<|message|>', end: '<|end|>' },
    answer: { start: '<|start|>assistant<|channel|>final<|message|>', end: '<|return|>' },
    ends: ['<|call|>'],
    header: { starts: ['<|start|>', '<|channel|>'], end: '<|message|>', thinking: /analysis|\bto=/ },
  },
  /** Granite 3.2, whose delimiters are prose and so count only at the beginning. */
  granite: {
    name: 'granite',
    thinking: { start: 'Here is my thought process:', end: 'Here is my response:' },
    answer: null,
    starts: ["Here's my thought process:"],
    ends: ["Here's my response:"],
    leading: true,
  },
  /** Granite 3.3 and ERNIE 4.5. */
  'granite-3.3': {
    name: 'granite-3.3',
    thinking: { start: '<think>', end: '</think>' },
    answer: { start: '<response>', end: '</response>' },
  },
  /** Hunyuan. */
  hunyuan: {
    name: 'hunyuan',
    thinking: { start: '<think>', end: '</think>' },
    answer: { start: '<answer>', end: '</answer>' },
  },
  /** Kimi-VL-Thinking and Kimi k1.5. */
  kimi: tags('kimi', '◁think▷', '◁/think▷'),
  'seed-oss': tags('seed-oss', '<seed:think>', '</seed:think>'),
  /** EXAONE Deep. */
  exaone: tags('exaone', '<thought>', '</thought>'),
  /** Command A Reasoning. */
  cohere: {
    name: 'cohere',
    thinking: { start: '<|START_THINKING|>', end: '<|END_THINKING|>' },
    answer: { start: '<|START_RESPONSE|>', end: '<|END_RESPONSE|>' },
  },
  apertus: tags('apertus', '<|inner_prefix|>', '<|inner_suffix|>'),
  /** OpenThinker, Sky-T1 and others trained on their data. */
  openthinker: {
    name: 'openthinker',
    thinking: { start: '<|begin_of_thought|>', end: '<|end_of_thought|>' },
    answer: { start: '<|begin_of_solution|>', end: '<|end_of_solution|>' },
  },
} as const satisfies Record<string, ThinkingFormat>

export type FormatName = keyof typeof FORMATS
