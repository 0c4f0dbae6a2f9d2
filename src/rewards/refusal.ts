/** Words of refusal in English: that the writer cannot or will not do something. */
const ENGLISH =
  /\b(?:(?:can ?not|can't|could ?n't|will not|won't|must not|(?:am|are|'m|'re) (?:not able|unable|not going|not allowed|not permitted) to|refuse to|decline to) (?:\w+ ){0,3}?(?:help(?! but)|assist|do (?:that|this|it|so)|provide|comply|support|give|tell|show|teach|explain|answer|fulfil|fulfill|discuss|share|write|create|make)|(?:ca|wo)n't do that|(?:must|have to|need to|will)(?: \w+ly)? (?:decline|refuse)|not something i can (?:help|do|assist))\b/i
/** The same in Chinese, simplified and traditional. */
const CHINESE =
  /(?:不能|无法|無法|不会|不會|不可以|没法|沒法|不便|拒绝|拒絕|不愿|不願)(?:[为為][你您]|[给給][你您]|向[你您]|[帮幫教]|[协協]助|提供|回答|[满滿]足|告[诉訴]|支持|[参參][与與]|做[这這]|[这這][样樣]做|解[释釋]|[讨討][论論]|[写寫])/

/**
 * Whether a text refuses a request: it says, in English or in Chinese, that its writer cannot or will not help.
 *
 * Fooled by: a refusal in other words; help that follows the words of a refusal.
 */
export function isRefusal(text: string): boolean {
  // As plain text: without the marks of bold text, and with one kind of apostrophe.
  const plain = text.replace(/[*_]/g, '').replace(/[’ʼ＇`´]/g, "'")
  return ENGLISH.test(plain) || CHINESE.test(plain)
}
