import type { Migration } from '@berth/db'

/** What of recorded pulls is written down, counts and times; and whether quotas are enforced. */
export const choosePullRecords: Migration = {
  name: '20261120151000_choose_pull_records',
  up: (knex) =>
    knex.raw(`
      ALTER TABLE registry.mode
        ADD COLUMN count_pulls boolean NOT NULL DEFAULT true,
        ADD COLUMN time_pulls boolean NOT NULL DEFAULT true,
        ADD COLUMN enforce_quotas boolean NOT NULL DEFAULT true;
    `),
}
