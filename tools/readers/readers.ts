import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Environment, Needs } from './environment.ts'

/** What a reader is asked. */
export interface Task {
  /** The model's folder, or what it was exported to. */
  readonly folder: string
  readonly prompts: readonly { readonly text: string; readonly tokens: readonly number[] }[]
  readonly questions: readonly string[]
  readonly maxTokens: number
  readonly stop: readonly number[]
}

/** What a reader answers: tokens where it has them, else texts. */
export interface Answers {
  readonly tokens?: readonly (readonly number[])[]
  readonly texts?: readonly string[]
  /** The first prompts again, in one padded batch. */
  readonly batch?: readonly (readonly number[])[]
  /** What Ollama would give the model for conversations, and the tags that it takes thinking to be in. */
  readonly rendered?: readonly string[]
  readonly thinking?: readonly string[]
  /** Answers to the questions, with the thinking split off. */
  readonly chats?: readonly { readonly thinking: string | null; readonly answer: string | null }[]
}

export interface Reader {
  readonly name: string
  /** What it opens: the model's folder as it is, or an export of it. */
  readonly reads: 'folder' | 'gguf' | 'onnx' | 'hf' | 'ollama'
  readonly needs: Needs
  read(task: Task, environment: Environment, work: string): Promise<Answers>
}

const here = import.meta.dirname

const python =
  (script: string): Reader['read'] =>
  (task, environment) =>
    ask(environment.python, [join(here, script)], task)

const node =
  (script: string): Reader['read'] =>
  (task, environment) =>
    ask(process.execPath, [join(here, script), environment.modules], task)

/** llama.cpp's own converter, then its server. */
const converted: Reader['read'] = async (task, environment, work) => {
  const file = join(work, 'converted.gguf')
  const script = join(environment.llamaCpp, 'convert_hf_to_gguf.py')
  await run(environment.python, [script, task.folder, '--outtype', 'f32', '--outfile', file], '')
  return python('xllamacpp_reader.py')({ ...task, folder: file }, environment, work)
}

/** Ollama's own code: the Modelfile's template, for questions alone and after a system message. */
const ollama: Reader['read'] = (task, environment) => {
  const chats = CHATS.map((messages) => ({ messages }))
  return ask(environment.ollama, [], { ...task, chats } as Task)
}

const [user, assistant, system] = ['user', 'assistant', 'system'].map((role) => (content: string) => ({
  role,
  content,
})) as [Said, Said, Said]
type Said = (content: string) => { role: string; content: string }

/** Conversations that Ollama renders. */
export const CHATS = [
  [user('What is 3 + 4?')],
  [system('Be brief'), user('What is 3 + 4?')],
  [user('What is 3 + 4?'), assistant('It is 7'), user('And 5 more?'), assistant('12'), user('Thanks')],
]

export const READERS: readonly Reader[] = [
  { name: 'transformers', reads: 'folder', needs: 'python', read: python('transformers_reader.py') },
  { name: 'transformers-hf', reads: 'hf', needs: 'python', read: python('transformers_reader.py') },
  { name: 'llama.cpp-converter', reads: 'folder', needs: 'python', read: converted },
  { name: 'mistralrs', reads: 'folder', needs: 'python', read: python('mistralrs_reader.py') },
  { name: 'ctranslate2', reads: 'folder', needs: 'python', read: python('ctranslate2_reader.py') },
  { name: 'xllamacpp', reads: 'gguf', needs: 'python', read: python('xllamacpp_reader.py') },
  { name: 'onnxruntime-genai', reads: 'onnx', needs: 'python', read: python('genai_reader.py') },
  { name: 'transformers.js', reads: 'onnx', needs: 'node', read: node('transformers-js.mjs') },
  { name: 'browser', reads: 'onnx', needs: 'node', read: node('browser.mjs') },
  { name: 'ollama', reads: 'ollama', needs: 'go', read: ollama },
]

async function ask(program: string, words: readonly string[], task: Task): Promise<Answers> {
  const lines = (await run(program, words, JSON.stringify(task))).trim().split('\n')
  return JSON.parse(lines.at(-1)!) as Answers
}

/** Runs a program to its end; resolves to its output. @throws Error with the end of what it said if it failed. */
function run(program: string, words: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // one thread: several that wait for each other are far slower on a busy machine
    const env = { ...process.env, OMP_NUM_THREADS: '1', RAYON_NUM_THREADS: '1' }
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], env })
    let [output, errors] = ['', '']
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else
        reject(
          new Error(`${program} ${words.join(' ')} ended with ${code ?? signal}:\n${errors.slice(-2000)}`),
        )
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
