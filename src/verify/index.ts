/** Is a predicted answer mathematically equal to the gold answer? Stands alone: no other folder is needed. */
export { type ExtractOptions, extract, WAYS, type Way } from './extract.ts'
export { readable, type Verdict, type VerifyOptions, verify } from './verify.ts'
