import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { UsageError } from '../exit.ts'
import type { World } from '../terminal.ts'

const LONGEST = 4_096

/**
 * One secret from standard input: typed unseen on a terminal, else its first line. Never from the arguments, which
 * every process of the machine can read.
 */
export async function readSecret(world: World, prompt: string): Promise<string> {
  const text = world.stdin.isTTY ? await typed(world, prompt) : await piped(world)
  if (text === '') throw new UsageError(`${prompt}: nothing came on standard input`)
  if (text.length > LONGEST) throw new UsageError(`${prompt}: longer than ${LONGEST} characters`)
  return text
}

async function piped({ stdin }: World): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.includes('\n') || text.length > LONGEST) break
  }
  return (text.split('\n')[0] ?? '').replace(/\r$/, '')
}

async function typed({ stdin, stderr, stop }: World, prompt: string): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: unseen, terminal: true })
  stderr.write(`${prompt}: `)
  try {
    return await lines.question('', { signal: stop })
  } finally {
    lines.close()
    stderr.write('\n')
  }
}
