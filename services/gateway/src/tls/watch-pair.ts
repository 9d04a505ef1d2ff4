import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '@berth/runtime'
import { type Pair, type PairFiles, readPair } from './pair.ts'

const POLL_MS = 10_000
/** The two files of a pair are seldom replaced in the same instant. */
const SETTLE_MS = 200

/**
 * Reads the pair again whenever one of its files is another one or has changed; told by the file system at once, and
 * found by looking where it tells nothing (links swapped elsewhere, network mounts). A pair that is not whole is an
 * error line, once, and the one before it stays. The function it returns ends that.
 */
export function watchPair(
  files: PairFiles,
  options: { log: Logger; onPair: (pair: Pair) => void; pollMs?: number },
): () => void {
  const { log, onPair, pollMs = POLL_MS } = options
  let seen = stampOf(files)
  const look = () => {
    const stamp = stampOf(files)
    if (stamp === seen) return
    seen = stamp
    try {
      const pair = readPair(files)
      onPair(pair)
      log.info('the TLS certificate has been read again', { validTo: pair.validTo })
    } catch (err) {
      log.error('the new TLS certificate cannot be used, the old one stays', { cert: files.cert, key: files.key, err })
    }
  }
  let settling: NodeJS.Timeout | undefined
  const lookSoon = () => {
    settling ??= setTimeout(() => {
      settling = undefined
      look()
    }, SETTLE_MS)
  }
  const watchers = [...new Set([dirname(files.cert), dirname(files.key)])].map((dir) => watchDir(dir, lookSoon, log))
  const poll = setInterval(look, pollMs)
  return () => {
    clearInterval(poll)
    clearTimeout(settling)
    for (const watcher of watchers) watcher?.close()
  }
}

function watchDir(dir: string, onChange: () => void, log: Logger): FSWatcher | undefined {
  const blind = (err: unknown) => log.warn('cannot watch the directory of the TLS certificate, will look', { dir, err })
  try {
    return watch(dir, { persistent: false }, onChange).on('error', blind)
  } catch (err) {
    blind(err)
    return undefined
  }
}

function stampOf({ cert, key }: PairFiles): string {
  return [cert, key].map(stampOfFile).join(' ')
}

/** Follows links, so that a secret mounted by Kubernetes is seen to change. */
function stampOfFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stat ? `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}` : 'absent'
}
