/*
 * Memory in which the replicas of a model exchange their gradients, one vector each. Every replica makes the same
 * optimizer step on the same sum, so weights need no exchange.
 */

/** One vector of shared memory per replica, each for `parameters` float32 numbers. */
export function gradientVectors(parameters: number, replicas: number): SharedArrayBuffer[] {
  return Array.from(
    { length: replicas },
    () => new SharedArrayBuffer(parameters * Float32Array.BYTES_PER_ELEMENT),
  )
}

/** Copies the concatenated tensors into shared memory. */
export function publish(tensors: Iterable<Float32Array>, memory: SharedArrayBuffer): void {
  visit(tensors, memory, (tensor, shared) => shared.set(tensor))
}

/** Sets the tensors to the sum of the vectors, added in order: the same in every replica, bit for bit. */
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
