import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * A shell that outlives us by seconds. It reads from a pipe what to end, and when the pipe closes without `bye` (we were
 * killed) it ends that: the asked signal, after 5 s SIGQUIT, after 1 s more SIGKILL; then it removes the directories.
 */
const SCRIPT = `
trap '' INT TERM HUP
kept=''
alive() { for e in $kept; do kill -0 "\${e%%:*}" 2>/dev/null && return 0; done; return 1; }
end() { for e in $kept; do kill -"\${1:-\${e#*:}}" "\${e%%:*}" 2>/dev/null; done; }
wait_tenths() { n=0; while [ $n -lt "$1" ] && alive; do sleep 0.1; n=$((n+1)); done; }
while IFS=' ' read -r verb what; do
  case "$verb" in
    keep) kept="$kept $what" ;;
    drop) rest=''; for e in $kept; do [ "\${e%%:*}" = "$what" ] || rest="$rest $e"; done; kept=$rest ;;
    remove) set -- "$@" "$what" ;;
    bye) exit 0 ;;
  esac
done
end; wait_tenths 50; end QUIT; wait_tenths 10; end KILL
for directory; do rm -rf -- "$directory"; done
`

/** Ends what we started if we are killed before we can. */
export interface Guardian {
  /** From now on `pid` is ended with `signal` when this process dies. */
  keep(pid: number, signal: 'INT' | 'TERM' | 'KILL'): void
  /** `pid` has ended; its number may belong to somebody else from now on. */
  drop(pid: number): void
  /** `directory` is removed when this process dies. Only for throw-away data. */
  removeAfterwards(directory: string): void
  /** Nothing is left to guard: lets the shell go before we do. */
  dismiss(): Promise<void>
}

let shared: Guardian | undefined

/** The guardian of this process, started when first asked for. It keeps neither this process nor its exit waiting. */
export function guardian(): Guardian {
  shared ??= createGuardian()
  return shared
}

/** Lets the guardian go, if there is one, before this process does. */
export async function dismissGuardian(): Promise<void> {
  await shared?.dismiss()
  shared = undefined
}

function createGuardian(): Guardian {
  const kept = new Map<number, string>()
  const directories = new Set<string>()
  let dismissed = false
  let shell = startShell()

  function startShell(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'berth-guardian'], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    child.unref()
    const { stdin } = child
    stdin?.on('error', () => child.kill('SIGKILL'))
    if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
    for (const [pid, signal] of kept) stdin?.write(`keep ${pid}:${signal}\n`)
    for (const directory of directories) stdin?.write(`remove ${directory}\n`)
    child.once('exit', () => {
      if (!dismissed) shell = startShell()
    })
    return child
  }

  return {
    keep(pid, signal) {
      kept.set(pid, signal)
      shell.stdin?.write(`keep ${pid}:${signal}\n`)
    },
    drop(pid) {
      if (kept.delete(pid)) shell.stdin?.write(`drop ${pid}\n`)
    },
    removeAfterwards(directory) {
      directories.add(directory)
      shell.stdin?.write(`remove ${directory}\n`)
    },
    async dismiss() {
      dismissed = true
      const gone = once(shell, 'exit')
      shell.ref()
      shell.stdin?.end('bye\n')
      await gone
    },
  }
}
