import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- Manifests a push has taken a tag from: whether lists show them is to be said anew. A push does not wait for the lock.
CREATE TABLE registry.manifest_recheck (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT manifest_recheck_pkey PRIMARY KEY,
  manifest_id bigint NOT NULL
);
`

export const createManifestRecheck: Migration = {
  name: '20261120132500_create_manifest_recheck',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
