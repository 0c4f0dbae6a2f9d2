/**
 * The global objects of a script besides the language itself: the parts of Node that programs use to read standard input
 * and write standard output. The code is a function of the host's {print, write, exit, stdin}. Timers fire in order, without
 * waiting.
 */
export const GLOBALS = `(({ print, write, exit, stdin }) => {
  let due = []
  let clock = 0
  let timers = 0
  const setTimeout = (run, ms = 0, ...args) => {
    due.push({ id: ++timers, at: clock + Math.max(1, Number(ms) || 0), run: () => run(...args) })
    return timers
  }
  const clearTimeout = (id) => { due = due.filter((timer) => timer.id !== id) }
  const lines = () => {
    const all = stdin.split(/\\r?\\n/)
    if (all.at(-1) === '') all.pop()
    return all
  }
  const emitter = (emit) => {
    const listeners = {}
    let begun = false
    const source = {
      on(event, listener) {
        (listeners[event] ??= []).push(listener)
        if (!begun) setTimeout(() => emit((event, ...args) => (listeners[event] ?? []).forEach((f) => f(...args))))
        begun = true
        return source
      },
    }
    source.once = source.addListener = source.on
    return source
  }
  const process = {
    argv: ['node', 'program.js'],
    env: {},
    exit,
    nextTick: (run, ...args) => void Promise.resolve().then(() => run(...args)),
    stdin: Object.assign(emitter((emit) => { emit('data', stdin); emit('end'); emit('close') }), {
      fd: 0, setEncoding() {}, resume() {}, async *[Symbol.asyncIterator]() { yield stdin },
    }),
    stdout: { write(text) { write(1, String(text)); return true } },
    stderr: { write(text) { write(2, String(text)); return true } },
  }
  const createInterface = () => {
    let open = true
    const reader = emitter((emit) => {
      for (const line of lines()) if (open) emit('line', line)
      emit('close')
    })
    return Object.assign(reader, {
      close() { open = false },
      async *[Symbol.asyncIterator]() { for (const line of lines()) if (open) yield line },
    })
  }
  const streams = { 0: 0, '/dev/stdin': 0, 1: 1, '/dev/stdout': 1, 2: 2, '/dev/stderr': 2 }
  const put = (file, text) => {
    if (!(streams[file] > 0)) throw new Error('EROFS: there are no files here, ' + file)
    write(streams[file], String(text))
  }
  const modules = {
    fs: {
      readFileSync(file) {
        if (streams[file] !== 0) throw new Error('ENOENT: there are no files here, ' + file)
        return stdin
      },
      writeFileSync: put,
      writeSync: put,
    },
    readline: { createInterface },
    process,
  }
  const require = (name) => {
    const module = modules[String(name).replace(/^node:/, '')]
    if (!module) throw new Error('Cannot find module ' + name)
    return module
  }
  const log = (...values) => print(1, ...values)
  const warn = (...values) => print(2, ...values)
  Object.assign(globalThis, {
    console: { log, info: log, debug: log, error: warn, warn, trace: warn },
    process, require, setTimeout, clearTimeout,
    setImmediate: (run, ...args) => setTimeout(run, 0, ...args),
    queueMicrotask: (run) => void Promise.resolve().then(run),
    module: { exports: {} }, exports: {},
  })
  /** Runs the timer that is due first; returns false if there is none. */
  return () => {
    due.sort((a, b) => a.at - b.at || a.id - b.id)
    const next = due.shift()
    if (!next) return false
    clock = next.at
    next.run()
    return true
  }
})`
