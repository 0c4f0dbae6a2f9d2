import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/verify/index.ts',
    'src/cli/main.ts',
    'src/engines/local/nursery.ts',
    'src/engines/local/worker.ts',
    'src/sandbox/quickjs-worker.ts',
  ],
  format: 'esm',
  unbundle: true,
  fixedExtension: false,
  platform: 'node',
  target: 'node20.19',
  dts: { entry: ['src/index.ts', 'src/verify/index.ts'] },
  sourcemap: true,
  clean: true,
})
