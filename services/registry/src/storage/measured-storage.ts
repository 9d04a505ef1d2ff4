import { Counter, Histogram, type Registry } from '@berth/runtime'
import type { Storage } from './storage.ts'

/** The same storage, counted: `registry_storage_action_seconds` and `berth_registry_storage_bytes_total`. */
export function measuredStorage(storage: Storage, metrics: Registry): Storage {
  const seconds = new Histogram({
    name: 'registry_storage_action_seconds',
    help: 'Time storage takes, by what is asked of it; reads until the first byte can be had',
    labelNames: ['driver', 'action'] as const,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [metrics],
  })
  const bytes = new Counter({
    name: 'berth_registry_storage_bytes_total',
    help: 'Bytes of blobs sent whole, and written',
    labelNames: ['direction'] as const,
    registers: [metrics],
  })
  const { driver } = storage
  const timed = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    const end = seconds.startTimer({ driver, action })
    try {
      return await work()
    } finally {
      end()
    }
  }
  return {
    ...storage,
    openUpload: async (upload, options) => {
      const writer = await timed('open-upload', () => storage.openUpload(upload, options))
      return {
        close: () => writer.close(),
        progress: () => writer.progress(),
        write: async (chunk) => {
          await writer.write(chunk)
          bytes.inc({ direction: 'write' }, chunk.length)
        },
      }
    },
    store: (upload, key) => timed('store', () => storage.store(upload, key)),
    read: async (key, size, range) => {
      const stored = await timed('read', () => storage.read(key, size, range))
      const length = range?.lengthBytes ?? size
      return {
        close: () => stored.close(),
        sendTo: async (into) => {
          await stored.sendTo(into)
          bytes.inc({ direction: 'read' }, length)
        },
      }
    },
    list: (prefix, after, limit) => timed('list', () => storage.list(prefix, after, limit)),
    remove: (keys) => timed('remove', () => storage.remove(keys)),
    probe: () => timed('probe', () => storage.probe()),
  }
}
