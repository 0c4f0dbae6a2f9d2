import { afterEach, beforeEach, vi } from 'vitest'

/** Captures standard output and standard error in each test of the calling file. */
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
