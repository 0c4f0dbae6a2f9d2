import { afterEach, beforeEach, vi } from 'vitest'

/** For tests: what a command writes, anew for each test of the file that calls this. */
export function captured(): { out: string; err: string } {
  const written = { out: '', err: '' }
  beforeEach(() => {
    written.out = ''
    written.err = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.out += text
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.err += text
      return true
    })
  })
  afterEach(() => void vi.restoreAllMocks())
  return written
}
