import { build } from 'tsdown'

// Builds dist/. This calls tsdown's API because its command warns on every start that later versions of tsdown will not
// run on Node 20, which this package supports; the version that is used is pinned.
await build({
  config: false,
  logLevel: 'error',
  entry: [
    'src/index.ts',
    'src/verify/index.ts',
    'src/cli/main.ts',
    'src/engines/local/threads/spawner.ts',
    'src/engines/local/threads/replica-thread.ts',
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
