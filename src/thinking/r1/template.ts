/** The prompt of R1-Zero, verbatim (DeepSeek-R1, Nature 645, Methods); `prompt` stands for the question. */
export const R1_ZERO_TEMPLATE =
  'A conversation between User and Assistant. The User asks a question and the Assistant solves it. ' +
  'The Assistant first thinks about the reasoning process in the mind and then provides the User with the answer. ' +
  'The reasoning process and answer are enclosed within <think>...</think> and <answer>...</answer> tags, ' +
  'respectively, that is, <think> reasoning process here </think><answer> answer here </answer>. ' +
  'User: prompt. Assistant:'

/** The R1-Zero prompt for a question. The template ends the question with a full stop, so the question's own is dropped. */
export function r1ZeroPrompt(question: string): string {
  return R1_ZERO_TEMPLATE.replace('User: prompt.', () => `User: ${question.trim().replace(/\.$/, '')}.`)
}
