export interface ModelConfig {
  readonly modelType: 'qwen3' | 'qwen2' | 'llama'
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly rmsNormEps: number
  readonly ropeTheta: number
  readonly ropeScaling: null | { type: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number; originalMaxPosition: number }
  readonly tieEmbeddings: boolean
  readonly maxPositions: number
  readonly qkvBias: boolean
  readonly qkNorm: boolean
}
