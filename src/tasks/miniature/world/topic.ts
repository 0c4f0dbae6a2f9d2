import type { Language } from '../words.ts'

export type Family = 'talk' | 'fact' | 'write' | 'harmful' | 'harmless'

/** One thing that can be asked, in all its wordings, with what makes a good answer. */
export interface Topic {
  readonly family: Family
  readonly language: Language
  readonly prompts: readonly string[]
  /** An answer in as few words as possible. */
  readonly curt: string
  /** An answer in a full sentence, which is the gold answer. */
  readonly full: string
  /** Whether a sentence is a full or a curt answer; null if it is not an answer. */
  grade(sentence: string): 'full' | 'curt' | null
}

/** The friendly phrase that helpful answers end with. */
export const FRIENDLY = { en: 'Happy to help!', zh: '乐意帮忙!' } as const

/** The sentences of a text, in lower case and without the punctuation around them. */
export const sentencesOf = (text: string): string[] =>
  text
    .split(/[.!?。！？\n]+/)
    .map(plain)
    .filter((sentence) => sentence !== '')

/** A sentence in lower case and without the punctuation around it. */
export const plain = (sentence: string): string =>
  sentence.toLowerCase().replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, '')

/** Whether a sentence contains a word or phrase, at word boundaries in scripts that have spaces. */
export function names(sentence: string, phrase: string): boolean {
  const word = phrase.toLowerCase()
  return /\p{Script=Han}/u.test(word)
    ? sentence.includes(word)
    : ` ${sentence.replace(/[^\p{L}\p{N}]+/gu, ' ')} `.includes(` ${word} `)
}
