import { type Database, statement } from '@berth/db'
import type { PublicKey } from '@berth/types'
import { type KeyStore, LEEWAY_MS, type StoredKey } from './key-store.ts'
import type { TokenAlg } from './new-key.ts'

interface KeyRow {
  id: number
  kid: string
  alg: TokenAlg
  public_jwk: PublicKey
  sealed_private: Buffer | null
  signs: boolean
  signed_until: Date
}

const SIGNING_ID = '(SELECT max(id) FROM signing_key WHERE signs_from <= now())'
const NEEDED = `(id >= ${SIGNING_ID} OR signed_until + interval '${LEEWAY_MS} milliseconds' > now())`

const listKeys = statement<KeyRow>(
  'key-list',
  `SELECT id, kid, alg, public_jwk, sealed_private, signed_until, id = ${SIGNING_ID} AS signs
   FROM signing_key WHERE ${NEEDED} ORDER BY id DESC`,
)
const lockKeys = statement('key-lock', "SELECT pg_advisory_xact_lock(hashtext('berth token keys'))")
const findNewest = statement<{ kid: string; alg: TokenAlg; waits: boolean }>(
  'key-newest',
  'SELECT kid, alg, signs_from > now() AS waits FROM signing_key ORDER BY id DESC LIMIT 1',
)
const insertKey = statement(
  'key-insert',
  `INSERT INTO signing_key (kid, alg, public_jwk, sealed_private, signs_from, signed_until)
   SELECT $1, $2, $3, $4, at, at FROM (SELECT now() + $5 * interval '1 millisecond' AS at) AS lead`,
)
const extendKey = statement<{ id: number }>(
  'key-extend',
  `UPDATE signing_key SET signed_until = greatest(signed_until, $2) WHERE id = $1 AND id = ${SIGNING_ID} RETURNING id`,
)
const dropPrivate = statement(
  'key-drop-private',
  `UPDATE signing_key SET sealed_private = NULL WHERE sealed_private IS NOT NULL AND id < ${SIGNING_ID}`,
)
const dropKeys = statement('key-drop', `DELETE FROM signing_key WHERE NOT ${NEEDED}`)

/** Signing keys in the schema of token; every decision about time is made by the clock of Postgres. */
export function keyStorePg(database: Database): KeyStore {
  return {
    list: async () => (await database.run(listKeys)).map(toKey),
    offer: (key, { replace, leadMs }) =>
      database.transaction(async (tx) => {
        await tx.run(lockKeys)
        const newest = await tx.find(findNewest)
        if (newest && (newest.waits || (!replace && newest.alg === key.alg))) return newest.kid
        const { kid, alg, publicJwk, sealedPrivate } = key
        await tx.run(insertKey, [kid, alg, JSON.stringify(publicJwk), sealedPrivate, newest ? leadMs : 0])
        return kid
      }),
    extend: async (id, until) => (await database.find(extendKey, [id, until])) !== undefined,
    async tidy() {
      await database.run(dropPrivate)
      await database.run(dropKeys)
    },
  }
}

function toKey(row: KeyRow): StoredKey {
  return {
    id: row.id,
    kid: row.kid,
    alg: row.alg,
    publicJwk: row.public_jwk,
    sealedPrivate: row.sealed_private ?? undefined,
    signs: row.signs,
    signedUntil: row.signed_until,
  }
}
