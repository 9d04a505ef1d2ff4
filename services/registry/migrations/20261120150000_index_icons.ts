import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- Few artifacts bring a picture of their own; anybody may ask for one by its digest.
CREATE INDEX manifest_icon_idx ON registry.manifest (icon) WHERE icon IS NOT NULL;
`

export const indexIcons: Migration = {
  name: '20261120150000_index_icons',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
