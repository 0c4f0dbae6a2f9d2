import type { Language } from '../words.ts'

export type Family = 'talk' | 'fact' | 'write' | 'harmful' | 'harmless'

/** Something that the world can be asked, in all its wordings, with what makes a good answer. */
export interface Topic {
  readonly family: Family
  readonly language: Language
  readonly prompts: readonly string[]
  /** An answer in as few words as can be. */
  readonly curt: string
  /** An answer in a full sentence: the truth that a judge compares with. */
  readonly full: string
  /** Whether a sentence answers, in full or curtly. `null`: it does not. */
  grade(sentence: string): 'full' | 'curt' | null
}

/** The friendly phrase that helpful answers end with. */
export const FRIENDLY = { en: 'Happy to help!', zh: '乐意帮忙!' } as const

/** The sentences of a text, in small letters and without the marks at their ends. */
export const sentencesOf = (text: string): string[] =>
  text
    .split(/[.!?。！？\n]+/)
    .map(plain)
    .filter((sentence) => sentence !== '')

/** A sentence in small letters and without the marks around it. */
export const plain = (sentence: string): string =>
  sentence.toLowerCase().replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, '')

/** Whether a sentence has a word or phrase: between the borders of words where the script has them. */
export function names(sentence: string, phrase: string): boolean {
  const word = phrase.toLowerCase()
  return /\p{Script=Han}/u.test(word)
    ? sentence.includes(word)
    : ` ${sentence.replace(/[^\p{L}\p{N}]+/gu, ' ')} `.includes(` ${word} `)
}
