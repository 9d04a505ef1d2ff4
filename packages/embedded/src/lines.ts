import type { Readable } from 'node:stream'

const LONGEST = 64 * 1024

/** Calls `onLine` for every line of a child's output; a longer line than 64 KiB arrives in pieces. */
export function eachLine(stream: Readable | null, onLine: (line: string) => void): void {
  if (!stream) return
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    if (rest.length > LONGEST) {
      onLine(rest)
      rest = ''
    }
  })
  stream.on('close', () => {
    if (rest !== '') onLine(rest)
    rest = ''
  })
}
