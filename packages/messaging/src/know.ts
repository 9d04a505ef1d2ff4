import type { Logger } from '@berth/runtime'
import type { Bucket } from '@berth/types'
import type { Msg } from 'nats'
import type { Bus } from './bus.ts'

const SEQUENCE = 'Nats-Sequence'

export interface Knowledge {
  /** False until a first snapshot has been read: what is not known is not "nothing". */
  readonly ready: boolean
  get(key: string): unknown
  entries(): IterableIterator<[string, unknown]>
}

/**
 * Keeps what a bucket says: subscribes to its republished changes, then takes a snapshot with one direct request, and
 * again at every reconnect. Per key the value with the highest sequence wins, so the order of the two does not matter.
 */
export async function knowBucket(bus: Bus, bucket: Bucket, log: Logger): Promise<Knowledge> {
  const known = new Map<string, { sequence: number; value: unknown }>()
  let ready = false

  const keep = (key: string, sequence: number, data: Uint8Array) => {
    const before = known.get(key)
    if (before && before.sequence >= sequence) return
    known.set(key, { sequence, value: data.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(data)) })
  }

  bus.connection.subscribe(`know.${bucket}.>`, {
    callback: (err, message) => {
      if (err) return log.error('a subscription failed', { bucket, err })
      const sequence = Number(message.headers?.get(SEQUENCE) ?? 0)
      const key = message.subject.slice(`know.${bucket}.`.length)
      keep(key.replace(`$KV.${bucket}.`, ''), sequence, message.data)
    },
  })
  const refresh = async () => {
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      try {
        await snapshot(bus, bucket, keep)
        ready = true
        return
      } catch (err) {
        if (bus.connection.isClosed()) return
        log.warn('cannot read a bucket, will try again', { bucket, err })
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }
  void (async () => {
    for await (const status of bus.connection.status()) if (status.type === 'reconnect') void refresh()
  })()
  await refresh()
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

function snapshot(
  bus: Bus,
  bucket: Bucket,
  keep: (key: string, sequence: number, data: Uint8Array) => void,
): Promise<void> {
  const request = JSON.stringify({ multi_last: [`$KV.${bucket}.>`], batch: 1_000 })
  return new Promise((resolve, reject) => {
    const prefix = `$KV.${bucket}.`
    const timer = setTimeout(() => finish(new Error('no snapshot within 3 s')), 3_000)
    const subscription = bus.connection.subscribe(bus.inbox(), {
      callback: (err, message: Msg) => {
        if (err) return finish(err)
        const code = message.headers?.code ?? 0
        if (code === 204 || code === 404) return finish()
        if (code >= 400) return finish(new Error(message.headers?.description ?? `status ${code}`))
        const subject = message.headers?.get('Nats-Subject') ?? ''
        keep(subject.slice(prefix.length), Number(message.headers?.get(SEQUENCE) ?? 0), message.data)
      },
    })
    const finish = (err?: Error) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      if (err) reject(err)
      else resolve()
    }
    bus.connection.publish(`$JS.API.DIRECT.GET.KV_${bucket}`, request, { reply: subscription.getSubject() })
  })
}
