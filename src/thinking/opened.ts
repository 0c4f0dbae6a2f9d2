/**
 * Whether a prompt leaves a think part open, so that the response begins inside the thinking: it ends with `<think>`, as
 * the chat templates of R1's distilled models do. A think part that the prompt closed again is not open.
 */
export const opensThinking = (prompt: string): boolean => prompt.trimEnd().endsWith('<think>')

/** A response with the think tag that its prompt left open, for readers that do not see the prompt. */
export const withOpening = ({ response, opened }: { response: string; opened: boolean }): string =>
  opened ? `<think>\n${response}` : response
