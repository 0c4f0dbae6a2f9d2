import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

/** Every browser that this page supports reads WOFF2, so KaTeX's fonts in older formats are left out. */
const onlyWoff2: Plugin = {
  name: 'only-woff2',
  enforce: 'pre',
  transform(code, id) {
    if (!/katex.*\.css/.test(id)) return null
    return code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)/g, '')
  },
}

/** Builds the studio's page into dist/studio, or serves it while it is being worked on. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // relative, so that the server may serve the page below any path
  base: './',
  plugins: [onlyWoff2],
  // said here as well as in tsconfig.json, which is not found in a folder whose name has a `#`
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  build: {
    outDir: fileURLToPath(new URL('../dist/studio', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no data: fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
