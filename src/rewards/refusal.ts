/** Words of refusal in English: that the writer cannot or will not do something. */
const ENGLISH =
  /\b(?:(?:can ?not|can['’]t|could ?n['’]t|will not|won['’]t|must not|(?:am|are|['’]m|['’]re) (?:not able|unable|not going|not allowed|not permitted) to|refuse to|decline to) (?:\w+ ){0,3}?(?:help|assist|do (?:that|this|it|so)|provide|comply|support|give|tell|show|teach|explain|answer|fulfil|fulfill|discuss|share|write|create|make)|(?:ca|wo)n['’]t do that|not something i can (?:help|do|assist))\b/i
/** The same in Chinese. */
const CHINESE =
  /(?:不能|无法|不会|不可以|没法|不便|拒绝|不愿)(?:为[你您]|给[你您]|向[你您]|[帮教]|协助|提供|回答|满足|告诉|支持|参与|做这|这样做|解释|讨论|写)/

/**
 * Whether a text refuses a request: it says, in English or in Chinese, that its writer cannot or will not help.
 *
 * Fooled by: a refusal in other words; help that follows the words of a refusal.
 */
export const isRefusal = (text: string): boolean => ENGLISH.test(text) || CHINESE.test(text)
