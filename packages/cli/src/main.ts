#!/usr/bin/env -S node --conditions=@berth/source --disable-warning=DEP0060
import { EXIT } from './exit.ts'
import { runBerth } from './run.ts'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
// npm hands no signal on when it is killed, and following would go on for ever.
const starter = process.ppid
setInterval(() => process.ppid !== starter && stop.abort(), 500).unref()
// Whoever read us has enough: `berth logs | head`.
process.stdout.on('error', (err: NodeJS.ErrnoException) => process.exit(err.code === 'EPIPE' ? EXIT.ok : EXIT.failed))

const code = await runBerth(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  stop: stop.signal,
})
// A connection that is still being tried must not keep us.
process.exit(code)
