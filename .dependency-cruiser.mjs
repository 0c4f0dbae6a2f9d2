/** The folders of src/ from top to bottom. An import points down this list or stays in its folder; src/index.ts is above. */
const FOLDERS = [
  'cli',
  'init',
  'recipes',
  'settings',
  'report',
  'evaluation',
  'serve',
  'stages',
  'runs',
  'tasks',
  'rewards',
  'providers',
  'sandbox',
  'hub',
  'export',
  'renderer',
  'verify',
  'thinking',
  'engines',
  'algorithms',
  'models',
  'onnx',
  'tinker',
  'common',
]

const TEST = '\\.test\\.ts$'
const CONFORMANCE = '^src/engines/conformance/'
const FOR_TESTS = ['^src/testing/', CONFORMANCE]
const anyOf = (folders) => `^src/(${folders.join('|')})/`

/** What is not in a folder of the list; of the files, only src/index.ts may lie in src itself. */
const UNLISTED = { path: '^src/', pathNot: ['^src/index\\.ts$', anyOf([...FOLDERS, 'testing'])] }

/** @type {(name: string, from: object, to: object) => object} */
const forbid = (name, from, to) => ({ name, severity: 'error', from, to })

export default {
  forbidden: [
    ...FOLDERS.map((folder, i) =>
      forbid(
        `${folder} imports nothing from above it`,
        { path: `^src/${folder}/`, pathNot: TEST },
        { path: ['^src/index\\.ts$', ...(i > 0 ? [anyOf(FOLDERS.slice(0, i))] : [])] },
      ),
    ),
    // A file may import, be imported, or do neither: each needs a rule.
    forbid('every file of src is in a folder of the list', UNLISTED, {}),
    forbid('every file of src is in a folder of the list, also if it imports nothing', {}, UNLISTED),
    forbid(
      'every file of src is in a folder of the list, also if it stands alone',
      { ...UNLISTED, orphan: true },
      {},
    ),
    forbid('no circles', {}, { circular: true }),
    forbid(
      'engines are reached through engines/open.ts',
      // a check of gradients, which the port does not show
      { pathNot: ['^src/engines/', '^tools/peft-check\\.ts$'] },
      { path: '^src/engines/[^/]+/', pathNot: CONFORMANCE },
    ),
    forbid(
      'verify stands alone',
      { path: '^src/verify/' },
      { path: '^src/', pathNot: anyOf(['verify', 'common']) },
    ),
    forbid(
      'thinking stands alone',
      { path: '^src/thinking/', pathNot: TEST },
      { path: '^src/', pathNot: anyOf(['thinking', 'common']) },
    ),
    forbid(
      'tinker stands alone',
      { path: '^src/tinker/', pathNot: TEST },
      { path: '^src/', pathNot: anyOf(['tinker', 'common']) },
    ),
    forbid(
      'only tests import src/testing and the conformance tests',
      { pathNot: [TEST, ...FOR_TESTS] },
      { path: FOR_TESTS },
    ),
  ],
  options: {
    includeOnly: '^(src|bench|tools|bin|web)/',
    // Type-only imports count.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
}
