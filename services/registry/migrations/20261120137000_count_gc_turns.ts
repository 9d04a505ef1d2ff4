import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- How often the phase a run is in has begun anew.
ALTER TABLE registry.gc_run ADD COLUMN turn integer NOT NULL DEFAULT 0;
`

export const countGcTurns: Migration = {
  name: '20261120137000_count_gc_turns',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
