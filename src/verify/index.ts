/** Checks whether an answer is mathematically equal to the gold answer. Needs no other folder. */
export { type ExtractOptions, extract, WAYS, type Way } from './find/extract.ts'
export { readable, type Verdict, type VerifyOptions, verify } from './verify.ts'
