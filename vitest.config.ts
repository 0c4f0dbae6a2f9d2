import { defineConfig } from 'vitest/config'

/** Tests that start whole programs, kill them, and watch their terminals and their network, or train for many stages. */
const END_TO_END = [
  'bin/**/*.test.ts',
  'src/cli/*.test.ts',
  'src/recipes/{distill,r1}.test.ts',
  'src/sandbox/isolated/isolated.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'], exclude: END_TO_END } },
      { extends: true, test: { name: 'end-to-end', include: END_TO_END } },
      {
        extends: true,
        // a page that waits for a model to be opened, or for a step of a run, takes seconds, and longer beside other tests
        test: { name: 'browser', include: ['web/**/*.test.ts'], expect: { poll: { timeout: 60_000 } } },
      },
    ],
  },
})
