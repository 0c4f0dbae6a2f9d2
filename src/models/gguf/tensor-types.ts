import { UserError } from '../../common/errors.ts'

/** A type of tensor in a GGUF file. Its values are stored in blocks, which lie along the rows. */
export interface TensorType {
  readonly name: string
  /** Values per block; 1 for plain numbers. */
  readonly blockSize: number
  /** Bytes per block. */
  readonly blockBytes: number
}

const K = 256 // values per block of the K types

/** `ggml_type` of ggml.h by its number: name, values per block, bytes per block. */
const TYPES = {
  0: ['F32', 1, 4],
  1: ['F16', 1, 2],
  2: ['Q4_0', 32, 2 + 16],
  3: ['Q4_1', 32, 4 + 16],
  6: ['Q5_0', 32, 2 + 4 + 16],
  7: ['Q5_1', 32, 4 + 4 + 16],
  8: ['Q8_0', 32, 2 + 32],
  10: ['Q2_K', K, K / 16 + K / 4 + 4],
  11: ['Q3_K', K, K / 8 + K / 4 + 12 + 2],
  12: ['Q4_K', K, 4 + 12 + K / 2],
  13: ['Q5_K', K, 4 + 12 + K / 8 + K / 2],
  14: ['Q6_K', K, K / 2 + K / 4 + K / 16 + 2],
  20: ['IQ4_NL', 32, 2 + 16],
  23: ['IQ4_XS', K, 2 + 2 + K / 64 + K / 2],
  30: ['BF16', 1, 2],
} as const

export type TensorTypeName = (typeof TYPES)[keyof typeof TYPES][0]

/** Names of the types that are known but not read or written, for messages. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  4: 'Q4_2',
  5: 'Q4_3',
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
}

/** The types that can be read, by name, with the number that stands for each in a file. */
export const TENSOR_TYPES = Object.fromEntries(
  Object.entries(TYPES).map(([number, [name, blockSize, blockBytes]]) => [
    name,
    { number: Number(number), name, blockSize, blockBytes },
  ]),
) as Readonly<Record<TensorTypeName, TensorType & { readonly name: TensorTypeName; readonly number: number }>>

/**
 * The type with a number of `ggml_type`; `where` names the tensor and its file in messages.
 *
 * @throws UserError for a type that cannot be read.
 */
export function tensorType(number: number, where: string): (typeof TENSOR_TYPES)[TensorTypeName] {
  const entry = TYPES[number as keyof typeof TYPES]
  if (entry) return TENSOR_TYPES[entry[0]]
  const name = OTHER_TYPES[number]
  throw new UserError(
    `${where} has the type ${name ?? `number ${number}, which is unknown`}; ` +
      `types that can be read: ${Object.keys(TENSOR_TYPES).join(', ')}`,
  )
}

/** Bytes of `count` values, which must be whole blocks. */
export function bytesOf({ blockSize, blockBytes }: TensorType, count: number): number {
  return (count / blockSize) * blockBytes
}
