import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- Condemned blobs are taken in the order of their ids.
DROP INDEX registry.blob_condemned_idx;
CREATE INDEX blob_condemned_idx ON registry.blob (id) WHERE condemned_at IS NOT NULL;
`

export const indexCondemnedBlobs: Migration = {
  name: '20261120136000_index_condemned_blobs',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
