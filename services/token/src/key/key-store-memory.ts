import { type KeyStore, LEEWAY_MS, type OfferedKey, type StoredKey } from './key-store.ts'

interface Row extends OfferedKey {
  id: number
  dropped: boolean
  signsFrom: number
  signedUntil: number
}

/** The same promises without a database. */
export function keyStoreMemory(now: () => number = Date.now): KeyStore {
  let rows: Row[] = []
  let lastId = 0
  const signingId = () => Math.max(0, ...rows.filter((row) => row.signsFrom <= now()).map((row) => row.id))
  const isNeeded = (row: Row) => row.id >= signingId() || row.signedUntil + LEEWAY_MS > now()
  const toKey = (row: Row): StoredKey => ({
    id: row.id,
    kid: row.kid,
    alg: row.alg,
    publicJwk: row.publicJwk,
    sealedPrivate: row.dropped ? undefined : row.sealedPrivate,
    signs: row.id === signingId(),
    signedUntil: new Date(row.signedUntil),
  })
  return {
    list: async () => rows.filter(isNeeded).map(toKey).reverse(),
    async offer(key, { replace, leadMs }) {
      const newest = rows.at(-1)
      if (newest && (newest.signsFrom > now() || (!replace && newest.alg === key.alg))) return newest.kid
      const signsFrom = now() + (newest ? leadMs : 0)
      rows.push({ ...key, id: ++lastId, dropped: false, signsFrom, signedUntil: signsFrom })
      return key.kid
    },
    async extend(id, until) {
      const row = rows.find((candidate) => candidate.id === id)
      if (!row || id !== signingId()) return false
      row.signedUntil = Math.max(row.signedUntil, until.getTime())
      return true
    },
    async tidy() {
      for (const row of rows) if (row.id < signingId()) row.dropped = true
      rows = rows.filter(isNeeded)
    },
  }
}
