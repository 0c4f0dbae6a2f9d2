import { parseResponse } from '../thinking/parse.ts'
import type { Reward } from './reward.ts'

/** 1 for a think part, then an answer part, once each and nothing else; else 0. `opened`: the prompt ends in `<think>`. */
export function format({ opened = false }: { opened?: boolean } = {}): Reward {
  return { name: 'format', score: ({ response }) => Number(parseResponse(response, { opened }).wellFormed) }
}
