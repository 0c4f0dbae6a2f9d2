// @ts-nocheck: runs in a page or on a library that is installed elsewhere
// Transformers.js in Node, with the exported ONNX folder: `node transformers-js.mjs MODULES < task`.
import { createRequire } from 'node:module'
import { basename, dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { answers } from './transformers-js-answers.mjs'

const modules = createRequire(`${process.argv[2]}/package.json`)
const library = await import(pathToFileURL(modules.resolve('@huggingface/transformers')).href)
let input = ''
for await (const chunk of process.stdin) input += chunk
const task = JSON.parse(input)
library.env.allowRemoteModels = false
library.env.localModelPath = dirname(task.folder)
const result = await answers(library, basename(task.folder), task)
console.log(JSON.stringify(result))
process.exit(0)
