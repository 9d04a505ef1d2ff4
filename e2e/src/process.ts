import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Written to the program's standard input, which is closed after it. */
  input?: string
  /** SIGKILL after so long; 300 s unless told. */
  timeoutMs?: number
}

export interface RunResult {
  code: number
  stdout: string
  stderr: string
  /** stdout and stderr as they came, interleaved. */
  output: string
}

/** Runs a program to its end. Never throws because of its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(command, args, { env: options.env, cwd: options.cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  const result: RunResult = { code: -1, stdout: '', stderr: '', output: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    result.stdout += text
    result.output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text
    result.output += text
  })
  child.stdin.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code !== 'EPIPE') result.stderr += String(err)
  })
  child.stdin.end(options.input ?? '')
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 300_000)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        result.code = code ?? 128
        if (signal) result.stderr += `\n(ended by ${signal})`
        resolve()
      })
    })
  } finally {
    clearTimeout(timer)
  }
  return result
}

/** @throws {Error} with the whole output when the program does not end with 0 */
export async function runOk(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(command, args, options)
  if (result.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.code}:\n${result.output}`)
  return result
}

export interface Daemon {
  pid: number
  logFile: string
  exited: Promise<number | null>
  running(): boolean
  log(): Promise<string>
  /** SIGTERM, SIGKILL after `graceMs`; returns when the process is gone. */
  stop(graceMs?: number): Promise<void>
}

const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/**
 * Starts a program that runs until `stop`; what it prints goes to `logFile`, past us unless somebody listens. It never
 * outlives this process.
 */
export function startDaemon(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; logFile: string; onLine?: (line: string) => void },
): Daemon {
  const { env, cwd, logFile, onLine } = options
  const output = onLine ? 'pipe' : openSync(logFile, 'a')
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', output, output] })
  started.add(child)
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      appendFileSync(logFile, text)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine?.(line)
    })
  }
  if (typeof output === 'number') closeSync(output)
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (err) => {
      appendFileSync(logFile, `${err.message}\n`)
      started.delete(child)
      resolve(null)
    })
    child.once('exit', (code) => {
      started.delete(child)
      resolve(code)
    })
  })
  return {
    pid: child.pid ?? 0,
    logFile: options.logFile,
    exited,
    running: () => started.has(child),
    log: () => readFile(options.logFile, 'utf8').catch(() => ''),
    stop: async (graceMs = 15_000) => {
      if (started.has(child)) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await exited
        clearTimeout(timer)
      }
    },
  }
}

/** Asks `probe` until it is true. @throws {Error} naming `what` when it is not within `timeoutMs` */
export async function until(what: string, timeoutMs: number, probe: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await sleep(100)
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
