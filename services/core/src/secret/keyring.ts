import { randomBytes } from 'node:crypto'
import { type Queries, statement } from '@berth/db'
import { SettingInvalid } from '@berth/runtime'
import type { SealedPlace } from './reseal.ts'
import { type Seal, SecretUnreadable } from './seal.ts'

const KEY_BYTES = 32

const insert = statement(
  'key-insert',
  'INSERT INTO keys (purpose, sealed) VALUES ($1, $2) ON CONFLICT (purpose) DO NOTHING',
)
const find = statement<{ sealed: string }>('key-find', 'SELECT sealed FROM keys WHERE purpose = $1')
const stale = statement<{ id: string; sealed: string }>(
  'key-stale',
  `SELECT purpose AS id, sealed FROM keys
    WHERE purpose > $1 AND NOT starts_with(sealed, $2) ORDER BY purpose LIMIT $3`,
)
const replace = statement('key-replace', 'UPDATE keys SET sealed = $3 WHERE purpose = $1 AND sealed = $2')

/** Keys of 32 bytes that core makes once and keeps: HMACs in the database hang on them, so they outlive the secret key. */
export interface Keyring {
  /**
   * The key of this purpose; made by chance, or by `first`, when there is none yet.
   *
   * @throws {SettingInvalid} the secret key does not open it
   */
  key(purpose: string, first?: () => Buffer): Promise<Buffer>
}

export function createKeyring(db: Queries, seal: Seal): Keyring {
  return {
    async key(purpose, first = () => randomBytes(KEY_BYTES)) {
      let found = await db.find(find, [purpose])
      if (!found) {
        await db.run(insert, [purpose, seal.close(first().toString('base64'), purposeOf(purpose))])
        found = await db.find(find, [purpose])
      }
      return Buffer.from(opened(seal, found?.sealed ?? '', purpose), 'base64')
    },
  }
}

/** The table of keys, for who closes everything anew. */
export const keyPlace: SealedPlace = {
  name: 'keys',
  async stale(db, mark, after, limit) {
    const rows = await db.run(stale, [after, mark, limit])
    return rows.map(({ id, sealed }) => ({ id, sealed, purpose: purposeOf(id) }))
  },
  replace: async (db, id, before, sealed) => void (await db.run(replace, [id, before, sealed])),
}

function opened(seal: Seal, sealed: string, purpose: string): string {
  try {
    return seal.open(sealed, purposeOf(purpose))
  } catch (err) {
    if (!(err instanceof SecretUnreadable)) throw err
    throw new SettingInvalid(
      'BERTH_SECRET_KEY: is not the key of this database; name the one before it in BERTH_SECRET_KEY_PREVIOUS',
    )
  }
}

function purposeOf(purpose: string): string {
  return `key ${purpose}`
}
