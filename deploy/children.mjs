import { spawn } from 'node:child_process'

const WATCH_MS = 500
const parentAtStart = process.ppid

/** The pid of whoever started us, as it was when this process began. */
export function starterPid() {
  return parentAtStart
}

/**
 * Runs a program in a process group of its own, hands signals on to it and stops it when our own parent goes.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions & { wholeGroup?: boolean }} options `wholeGroup`: signals go to
 *   the group, for programs that do not hand them on themselves
 * @returns {Promise<{ code: number, wasStopped: boolean }>}
 */
export function runChild(command, args, { wholeGroup = false, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options, detached: true })
    let wasStopped = false
    const send = (signal) => {
      wasStopped = true
      try {
        if (child.pid) process.kill(wholeGroup ? -child.pid : child.pid, signal)
      } catch (err) {
        if (err.code !== 'ESRCH') throw err
      }
    }
    const signals = { SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGHUP: 'SIGTERM' }
    const handlers = Object.entries(signals).map(([name, sent]) => [name, () => send(sent)])
    for (const [name, handler] of handlers) process.on(name, handler)
    const watch = setInterval(() => {
      if (process.ppid === parentAtStart) return
      clearInterval(watch)
      send('SIGTERM')
      setTimeout(() => send('SIGKILL'), 9_000).unref()
    }, WATCH_MS)
    const finish = (code) => {
      clearInterval(watch)
      for (const [name, handler] of handlers) process.off(name, handler)
      resolve({ code, wasStopped })
    }
    child.on('error', (err) => {
      process.stderr.write(`berth: cannot run ${command}: ${err.message}\n`)
      finish(1)
    })
    child.on('exit', (code, signal) => finish(code ?? (signal && wasStopped ? 0 : 1)))
  })
}

/**
 * Becomes another program where this Node can (the pid stays, nothing of us remains in memory); elsewhere runs it as a
 * child and leaves with its exit code. Does not return.
 */
export async function becomeOrRun(command, args, env, options = {}) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(command, [command, ...args], { ...env, BERTH_PARENT_PID: String(parentAtStart) })
  }
  const { code } = await runChild(command, args, {
    ...options,
    env: { ...env, BERTH_PARENT_PID: String(process.pid) },
  })
  process.exit(code)
}
