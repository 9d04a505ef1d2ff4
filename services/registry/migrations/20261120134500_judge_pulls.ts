import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

// What a pull asks of the policy, read without reading all of it; and room beside the rows whose pulls are counted.
const CHANGES = `
ALTER TABLE registry.project
  ADD COLUMN wants_cosign boolean NOT NULL GENERATED ALWAYS AS (policy @> '{"contentTrustCosign": true}') STORED,
  ADD COLUMN wants_notation boolean NOT NULL GENERATED ALWAYS AS (policy @> '{"contentTrust": true}') STORED,
  ADD COLUMN prevents_from text GENERATED ALWAYS AS (policy ->> 'preventVulnerableFrom') STORED,
  ADD COLUMN judges_pulls boolean NOT NULL GENERATED ALWAYS AS (
    policy @> '{"contentTrustCosign": true}' OR policy @> '{"contentTrust": true}'
    OR (policy ->> 'preventVulnerableFrom') IS NOT NULL
  ) STORED;
ALTER TABLE registry.manifest SET (fillfactor = 90);
ALTER TABLE registry.repository SET (fillfactor = 90);
`

export const judgePulls: Migration = {
  name: '20261120134500_judge_pulls',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
