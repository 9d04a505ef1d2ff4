import type { Logger } from '@berth/runtime'
import type { Bucket } from '@berth/types'
import type { Msg } from 'nats'
import type { Bus } from './bus.ts'

const SEQUENCE = 'Nats-Sequence'
const PENDING = 'Nats-Num-Pending'

export interface Knowledge {
  /** False until a first snapshot has been read: what is not known is not "nothing". */
  readonly ready: boolean
  get(key: string): unknown
  entries(): IterableIterator<[string, unknown]>
}

type Values = Map<string, { sequence: number; value: unknown }>

/**
 * Keeps what a bucket says: subscribes to its republished changes, then takes a snapshot with direct requests, and
 * again at every reconnect. Per key the value with the highest sequence wins, so the order of the two does not matter.
 * A snapshot replaces what was known before, for a bucket that was made anew counts from the start.
 */
export async function knowBucket(bus: Bus, bucket: Bucket, log: Logger): Promise<Knowledge> {
  let known: Values = new Map()
  let next: Values | undefined
  let ready = false

  const keep = (values: Values, key: string, sequence: number, data: Uint8Array) => {
    const before = values.get(key)
    if (before && before.sequence >= sequence) return
    // What is thrown in a callback of the client closes the connection.
    const value = parse(data)
    if (value === UNREADABLE) return log.error('a value of a bucket is not JSON', { bucket, key })
    values.set(key, { sequence, value })
  }

  bus.connection.subscribe(`know.${bucket}.>`, {
    callback: (err, message) => {
      if (err) return log.error('a subscription failed', { bucket, err })
      const sequence = Number(message.headers?.get(SEQUENCE) ?? 0)
      const key = message.subject.slice(`know.${bucket}.`.length)
      for (const values of next ? [known, next] : [known]) keep(values, key, sequence, message.data)
    },
  })
  const refresh = async () => {
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      const fresh: Values = new Map()
      next = fresh
      try {
        await snapshot(bus, bucket, (key, sequence, data) => keep(fresh, key, sequence, data))
        known = fresh
        next = undefined
        ready = true
        return
      } catch (err) {
        if (bus.connection.isClosed()) return
        log.warn('cannot read a bucket, will try again', { bucket, err })
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }
  let refreshing = refresh()
  const listen = async () => {
    for await (const { type } of bus.connection.status()) {
      if (type === 'reconnect') refreshing = refreshing.then(refresh)
    }
  }
  void listen()
  await refreshing
  return {
    get ready() {
      return ready
    },
    get: (key) => known.get(key)?.value,
    *entries() {
      for (const [key, { value }] of known) if (value !== undefined) yield [key, value]
    },
  }
}

const UNREADABLE = Symbol('unreadable')

function parse(data: Uint8Array): unknown {
  if (data.length === 0) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return UNREADABLE
  }
}

type Keep = (key: string, sequence: number, data: Uint8Array) => void

const PAGE = 1_000

/**
 * Reads every key with direct requests, a page at a time. The bucket keeps one value for each key, so going through
 * its messages from the first is going through its keys; asking for the last value of all of them at once is refused
 * beyond 1,024.
 */
async function snapshot(bus: Bus, bucket: Bucket, keep: Keep): Promise<void> {
  for (let next: number | undefined = 1; next !== undefined; ) next = await readPage(bus, bucket, next, keep)
}

/** The sequence the page after this one begins with; none after the last. */
function readPage(bus: Bus, bucket: Bucket, from: number, keep: Keep): Promise<number | undefined> {
  const prefix = `$KV.${bucket}.`
  const request = JSON.stringify({ seq: from, next_by_subj: `${prefix}>`, batch: PAGE })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error('no snapshot within a second')), 1_000)
    let last = from
    const subscription = bus.connection.subscribe(bus.inbox(), {
      callback: (err, message: Msg) => {
        if (err) return finish(err)
        const code = message.headers?.code ?? 0
        if (code === 404) return finish()
        if (code === 204)
          return finish(undefined, Number(message.headers?.get(PENDING) ?? 0) > 0 ? last + 1 : undefined)
        if (code >= 400) return finish(new Error(message.headers?.description ?? `status ${code}`))
        last = Number(message.headers?.get(SEQUENCE) ?? 0)
        keep((message.headers?.get('Nats-Subject') ?? '').slice(prefix.length), last, message.data)
      },
    })
    const finish = (err?: Error, next?: number) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      if (err) reject(err)
      else resolve(next)
    }
    bus.connection.publish(`$JS.API.DIRECT.GET.KV_${bucket}`, request, { reply: subscription.getSubject() })
  })
}
