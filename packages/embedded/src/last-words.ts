/** Remembers why a process ended, out of everything it wrote. */
export interface LastWords {
  hear(line: string): void
  readonly text: string
}

/** What it called an error counts more than what came after, such as a stack or the version of Node. */
export function createLastWords(): LastWords {
  let last = ''
  let reason = ''
  return {
    hear(line) {
      if (line.trim() === '') return
      last = line
      const logged = errorOf(line)
      if (logged !== undefined) reason = logged
      else if (/^(berth: |[A-Za-z]*Error\b)/.test(line)) reason = line.replace(/^berth: /, '')
    },
    get text() {
      return reason || last || 'it ended without a word'
    },
  }
}

function errorOf(line: string): string | undefined {
  if (!line.startsWith('{') || !line.includes('"level":"error"')) return undefined
  try {
    const { message, err }: { message?: string; err?: { message?: string } } = JSON.parse(line)
    return err?.message ? `${message}: ${err.message}` : message
  } catch {
    return undefined
  }
}
