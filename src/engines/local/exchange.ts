/*
 * Memory in which the replicas of a model exchange their gradients, a vector each. Every replica makes the same
 * optimizer step on the same sum, so that weights need no exchange.
 */

export function gradientVectors(parameters: number, replicas: number): SharedArrayBuffer[] {
  return Array.from(
    { length: replicas },
    () => new SharedArrayBuffer(parameters * Float32Array.BYTES_PER_ELEMENT),
  )
}

/** Copies the tensors, one behind the other, into shared memory. */
export function publish(tensors: Iterable<Float32Array>, memory: SharedArrayBuffer): void {
  visit(tensors, memory, (tensor, shared) => shared.set(tensor))
}

/** The tensors become the sum of the vectors, added in their order: the same for every replica, bit for bit. */
export function adoptSum(tensors: readonly Float32Array[], vectors: readonly SharedArrayBuffer[]): void {
  for (const [k, vector] of vectors.entries())
    visit(tensors, vector, (tensor, shared) => {
      if (k === 0) tensor.set(shared)
      else for (let i = 0; i < tensor.length; i++) tensor[i] = tensor[i]! + shared[i]!
    })
}

function visit(
  tensors: Iterable<Float32Array>,
  memory: SharedArrayBuffer,
  work: (tensor: Float32Array, shared: Float32Array) => void,
): void {
  const all = new Float32Array(memory)
  let at = 0
  for (const tensor of tensors) {
    work(tensor, all.subarray(at, at + tensor.length))
    at += tensor.length
  }
}
