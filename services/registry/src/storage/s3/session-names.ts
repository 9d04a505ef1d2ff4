import type { StorageKey } from '../storage.ts'

/** `<session>.<generation>` */
function parsed(holder: string): { session: string; generation: string } {
  const [session = '', generation = ''] = holder.split('.')
  return { session, generation }
}

/** Spread over the bucket by the session's random beginning, so that no range of keys gets all the load. */
function folderOf(session: string): string {
  return `blobs/${session.slice(0, 2)}/${session}/`
}

/**
 * Names of objects. Each carries the session and the generation of the hold it was made under, so that it is given out
 * once and, when the session is over, can be told from what became a blob.
 */
export const sessionNames = {
  folderOf,
  /** Counts under one hold. */
  of(holder: string): { blob(): StorageKey; tail(): string } {
    const { session, generation } = parsed(holder)
    let count = 0
    return {
      blob: () => `${folderOf(session)}${generation}.${count++}` as StorageKey,
      tail: () => `uploads/${session}.${generation}.${count++}`,
    }
  },
  /** Of what is put together under this hold when the session ends. */
  wholeOf(holder: string): StorageKey {
    const { session, generation } = parsed(holder)
    return `${folderOf(session)}${generation}.whole` as StorageKey
  },
  /** `uploads/<session>.…`, `blobs/ab/<session>/…` */
  sessionOf(name: string): string {
    return (name.startsWith('blobs/') ? name.split('/')[2] : name.split('/')[1]?.split('.')[0]) ?? ''
  },
}
