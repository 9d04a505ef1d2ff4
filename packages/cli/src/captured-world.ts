import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { runBerth } from './run.ts'

/** A world of its own for one test: a home, an environment, and what is printed kept as text. */
export interface CapturedWorld {
  home: string
  env: NodeJS.ProcessEnv
  stop: AbortController
  run(args: readonly string[], input?: string): Promise<{ code: number; stdout: string; stderr: string }>
  remove(): Promise<void>
}

export async function capturedWorld(env: NodeJS.ProcessEnv = {}): Promise<CapturedWorld> {
  const home = await mkdtemp(join(tmpdir(), 'berth-cli-'))
  const ownEnv = { HOME: home, XDG_CONFIG_HOME: join(home, 'config'), BERTH_DATA: join(home, 'data'), ...env }
  const stop = new AbortController()
  return {
    home,
    env: ownEnv,
    stop,
    async run(args, input = '') {
      const [stdout, stderr] = [kept(), kept()]
      const code = await runBerth(args, {
        env: ownEnv,
        cwd: home,
        stdin: Readable.from([input]),
        stdout: stdout.stream,
        stderr: stderr.stream,
        stop: stop.signal,
      })
      return { code, stdout: stdout.text(), stderr: stderr.text() }
    },
    remove: () => rm(home, { recursive: true, force: true }),
  }
}

function kept(): { stream: Writable; text: () => string } {
  let all = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      all += String(chunk)
      done()
    },
  })
  return { stream, text: () => all }
}
