import type { ThinkingFormat } from '../model.ts'
import { FORMATS } from './formats.ts'

/**
 * Whether a prompt leaves the thinking open, so that the response begins inside it: it ends with the delimiter that begins
 * the thinking, as the chat templates of R1's distilled models do. Thinking that the prompt closed again is not open.
 */
export function opensThinking(prompt: string, format: ThinkingFormat = FORMATS.deepseek): boolean {
  const end = prompt.trimEnd()
  return [format.thinking.start, ...(format.starts ?? [])].some((start) => end.endsWith(start.trimEnd()))
}

/** A response with the think tag that its prompt left open, for readers that do not see the prompt. */
export const withOpening = ({ response, opened }: { response: string; opened: boolean }): string =>
  opened ? `<think>\n${response}` : response
