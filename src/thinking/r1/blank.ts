/**
 * What a reader does not see or cannot use: white space, invisible characters, marks without a letter, bytes that are not
 * text (U+FFFD), special tokens such as `<|im_end|>` and `</s>`, rules and fences of Markdown without text, line breaks of
 * HTML, and dots, which in prompts mark a part that is to be filled in.
 */
const NOTHING =
  /[\s\p{Cc}\p{Cf}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800\uFFFD.．。…⋯·]|<[|｜][^<>]*[|｜]>|<\/?(?:s|br|pad|eos|bos|unk)\s?\/?>|&nbsp;|-{3,}|\*{2,}|`{3,}|\${2,}/gu

/** Whether a part of a response is empty: nothing in it can be read. An operator such as `-` can be an answer. */
export const isBlank = (text: string): boolean => text.replace(NOTHING, '') === ''
