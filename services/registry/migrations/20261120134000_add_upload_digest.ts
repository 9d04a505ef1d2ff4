import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- Of the bytes so far, as the last holder left it: whoever ends the session need not read them again.
ALTER TABLE registry.upload ADD COLUMN digest text COLLATE "C";
`

export const addUploadDigest: Migration = {
  name: '20261120134000_add_upload_digest',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
