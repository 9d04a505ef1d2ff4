import type { Migration } from '@berth/db'

/** What the registry was last told of the setting `quota_per_project_enable`. */
export const quotaSwitch: Migration = {
  name: '20261120161000_quota_switch',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE quota_switch (
        single boolean NOT NULL DEFAULT true CONSTRAINT quota_switch_pkey PRIMARY KEY,
        told boolean NOT NULL,
        CONSTRAINT quota_switch_single_check CHECK (single)
      );
      INSERT INTO quota_switch (told) VALUES (true);
    `),
}
