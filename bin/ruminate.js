#!/usr/bin/env node
// Any Node since version 10 can read this file, so that one that is too old says so in one line.
const found = process.versions.node
const [major = 0, minor = 0] = found.split('.').map(Number)
if (major > 20 || (major === 20 && minor >= 19)) import('./start.js')
else {
  console.error(`error: Ruminate needs Node 20.19 or newer; this is ${found} (nodejs.org)`)
  process.exitCode = 1
}
