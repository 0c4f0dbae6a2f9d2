// @ts-nocheck: runs in a page or on a library that is installed elsewhere
// Transformers.js in a page of a real browser, with the exported ONNX folder: `node browser.mjs MODULES < task`.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = process.argv[2]
const { chromium } = createRequire(`${modules}/package.json`)('playwright-core')
let input = ''
for await (const chunk of process.stdin) input += chunk
const task = JSON.parse(input)

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' }
const places = {
  '/models/': dirname(task.folder),
  '/modules/': join(modules, 'node_modules'),
  '/here/': dirname(fileURLToPath(import.meta.url)),
}
const page = `<!doctype html><script type="importmap">{"imports": {
  "onnxruntime-common": "/modules/onnxruntime-common/dist/esm/index.js",
  "onnxruntime-web": "/modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
  "onnxruntime-web/webgpu": "/modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs"
}}</script>`
const server = createServer((request, response) => {
  const url = decodeURIComponent(new URL(request.url, 'http://x').pathname)
  if (url === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  const [prefix, folder] = Object.entries(places).find(([prefix]) => url.startsWith(prefix)) ?? []
  const path = folder && join(folder, normalize(url.slice(prefix.length)))
  if (!path || !existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end()
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  response.writeHead(200, { 'content-type': type, 'content-length': statSync(path).size })
  createReadStream(path).pipe(response)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const browser = await chromium.launch({
  executablePath: process.env.READERS_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
})
try {
  const tab = await browser.newPage()
  tab.on('pageerror', (error) => console.error(String(error)))
  await tab.goto(`http://127.0.0.1:${server.address().port}/`)
  tab.setDefaultTimeout(0)
  const result = await tab.evaluate(
    async ({ task, name }) => {
      const library = await import('/modules/@huggingface/transformers/dist/transformers.web.js')
      const { answers } = await import('/here/transformers-js-answers.mjs')
      library.env.allowRemoteModels = false
      library.env.allowLocalModels = true
      library.env.localModelPath = '/models/'
      library.env.useBrowserCache = false
      library.env.backends.onnx.wasm.wasmPaths = '/modules/onnxruntime-web/dist/'
      return await answers(library, name, { ...task, device: task.device ?? 'wasm' })
    },
    { task, name: basename(task.folder) },
  )
  console.log(JSON.stringify(result))
} finally {
  await browser.close()
  server.close()
}
