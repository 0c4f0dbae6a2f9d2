/**
 * Memory that the replicas of a model share: each publishes its gradient; the first sums them, updates, and publishes
 * the weights. The runtime reads no shared memory, so every replica computes on a copy of its own.
 */
export interface Exchange {
  readonly weights: SharedArrayBuffer
  /** One a replica; the first replica's own gradient never leaves it. */
  readonly gradients: readonly SharedArrayBuffer[]
}

export function createExchange(parameters: number, replicas: number): Exchange {
  const vector = () => new SharedArrayBuffer(parameters * Float32Array.BYTES_PER_ELEMENT)
  return { weights: vector(), gradients: Array.from({ length: replicas - 1 }, vector) }
}

/** Copies the tensors, one behind the other, into shared memory. */
export function publish(tensors: Iterable<Float32Array>, memory: SharedArrayBuffer): void {
  visit(tensors, memory, (tensor, shared) => shared.set(tensor))
}

/** The tensors become what lies in shared memory. */
export function adopt(tensors: Iterable<Float32Array>, memory: SharedArrayBuffer): void {
  visit(tensors, memory, (tensor, shared) => tensor.set(shared))
}

/** Adds what lies in shared memory to the tensors. */
export function accumulate(tensors: Iterable<Float32Array>, memory: SharedArrayBuffer): void {
  visit(tensors, memory, (tensor, shared) => {
    for (let i = 0; i < tensor.length; i++) tensor[i] = tensor[i]! + shared[i]!
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
