/** Writes protocol-buffer fields (https://protobuf.dev/programming-guides/encoding). */
export class ProtobufWriter {
  #chunks: Uint8Array[] = []
  #length = 0
  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }
  #varint(value: number | bigint): void {
    let v = BigInt.asUintN(64, BigInt(value))
    const out: number[] = []
    do {
      out.push(Number(v & 0x7fn) | (v > 0x7fn ? 0x80 : 0))
      v >>= 7n
    } while (v > 0n)
    this.#push(Uint8Array.from(out))
  }
  int(field: number, value: number | bigint): this {
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }
  float(field: number, value: number): this {
    this.#varint((field << 3) | 5)
    this.#push(new Uint8Array(Float32Array.of(value).buffer))
    return this
  }
  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#push(value)
    return this
  }
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }
  message(field: number, fill: (w: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter()
    fill(inner)
    return this.bytes(field, inner.finish())
  }
  finish(): Uint8Array {
    const out = new Uint8Array(this.#length)
    let at = 0
    for (const c of this.#chunks) {
      out.set(c, at)
      at += c.length
    }
    return out
  }
}
