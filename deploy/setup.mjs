import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runChild } from './children.mjs'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** How every TypeScript program of ours is run: from its sources, with small young generations. */
export const NODE_FLAGS = ['--conditions=@berth/source', '--max-semi-space-size=1', '--disable-warning=DEP0060']

const PNPM = 'pnpm@12.21.0'
const NEEDED_MAJOR = 24
const MODULES = join(ROOT, 'node_modules')
const LOCKFILE = join(ROOT, 'pnpm-lock.yaml')
const STAMP = join(MODULES, '.berth-setup.json')
const LOCK = join(MODULES, '.berth-setup.lock')
const PACKAGED_NODE = join(MODULES, '.bin', 'node')

/**
 * Installs what the lockfile names unless that has been done, and finds a Node 24.
 *
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>} the Node to run, and an environment where it is first
 */
export async function setup() {
  const wanted = createHash('sha256').update(readFileSync(LOCKFILE)).digest('hex')
  if (readStamp()?.lockfile !== wanted) await locked(() => bringUpToDate(wanted))
  const node = readStamp()?.node === 'packaged' ? PACKAGED_NODE : process.execPath
  const bin = [dirname(node), join(MODULES, '.bin')]
  return { node, env: { ...process.env, PATH: [...new Set(bin), process.env.PATH].join(':') } }
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'))
  } catch {
    return undefined
  }
}

async function bringUpToDate(wanted) {
  if (readStamp()?.lockfile === wanted) return
  if (!isInstalledByHand()) await install()
  writeFileSync(STAMP, `${JSON.stringify({ lockfile: wanted, node: chooseNode() })}\n`)
}

/** Whether somebody ran pnpm here after the lockfile was last changed. */
function isInstalledByHand() {
  const installedAt = ['.modules.yaml', '.pnpm-workspace-state-v1.json'].map((name) => changedAt(join(MODULES, name)))
  return Math.min(...installedAt) > 0 && Math.max(...installedAt) > changedAt(LOCKFILE)
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

async function install() {
  say('Setting up: installing the packages of the lockfile (once, and after an update)')
  rmSync(STAMP, { force: true })
  const quiet = mkdtempSync(join(tmpdir(), 'berth-setup-'))
  const log = openSync(join(quiet, 'log'), 'w')
  const args = ['--yes', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only']
  const done = await runChild('npx', args, {
    cwd: ROOT,
    env: { ...asOutsideOfScripts(process.env), CI: 'true' },
    stdio: ['ignore', log, log],
    wholeGroup: true,
  })
  closeSync(log)
  if (done.code !== 0 && !done.wasStopped) {
    process.stderr.write(readFileSync(join(quiet, 'log'), 'utf8'))
  }
  rmSync(quiet, { recursive: true, force: true })
  if (done.wasStopped) leave(0)
  if (done.code !== 0) fail(`could not install the packages: ${PNPM} ended with ${done.code}`, 'pnpm-lock.yaml')
}

/** The pinned Node of the lockfile where its binary runs here, else the one that runs us if it is new enough. */
function chooseNode() {
  if (majorOf(PACKAGED_NODE) >= NEEDED_MAJOR) return 'packaged'
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return 'current'
  return fail(
    `Node ${NEEDED_MAJOR} is needed: this is ${process.versions.node}, and npm has none for ${process.platform}-${process.arch}`,
    process.execPath,
  )
}

function majorOf(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return Number(/^v(\d+)\./.exec(stdout ?? '')?.[1] ?? 0)
}

/**
 * npm tells its scripts about themselves in the environment, which another package manager must not take as its own,
 * and puts the clone's programs first on PATH, where installing must not find a Node it is about to replace.
 */
function asOutsideOfScripts(env) {
  const names = /^npm_(?:lifecycle|package|command|execpath|node_execpath)/
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)))
  const path = (env.PATH ?? '').split(':').filter((folder) => !/\bnode_modules\/(\.bin|.*\/node-gyp-bin)$/.test(folder))
  return { ...kept, PATH: path.join(':') }
}

async function locked(work) {
  mkdirSync(MODULES, { recursive: true })
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
      break
    } catch (err) {
      if (err.code !== 'EEXIST') fail(`cannot install the packages: ${err.code}`, MODULES)
    }
    const holder = lockHolder()
    if (holder === undefined) rmSync(LOCK, { force: true })
    else if (waited === 0) say(`Waiting for another setup of this clone (pid ${holder})`)
    await sleep(200)
  }
  process.once('exit', unlock)
  await work()
  process.off('exit', unlock)
  unlock()
}

function lockHolder() {
  try {
    const text = readFileSync(LOCK, 'utf8')
    // Just made and not yet written: its maker is at work.
    if (text === '') return 'unknown'
    process.kill(Number(text), 0)
    return Number(text)
  } catch (err) {
    return err.code === 'EPERM' ? 'of another user' : undefined
  }
}

function unlock() {
  if (existsSync(LOCK)) rmSync(LOCK, { force: true })
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(what, where) {
  say(`berth: ${what} (${where})`)
  return leave(1)
}

function leave(code) {
  process.exit(code)
}
