import type { Migration } from '@berth/db'

/** A number that every change of the settings raises, and keys of ours that a change of the secret key leaves as they are. */
export const settingRevision: Migration = {
  name: '20261120110000_setting_revision',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE setting_revision (
        single boolean NOT NULL DEFAULT true
          CONSTRAINT setting_revision_pkey PRIMARY KEY CONSTRAINT setting_revision_single_check CHECK (single),
        revision bigint NOT NULL DEFAULT 1
      );
      INSERT INTO setting_revision DEFAULT VALUES;
      COMMENT ON TABLE setting_revision IS 'one row; its lock lets one change of the settings happen at a time';

      CREATE FUNCTION raise_setting_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE core.setting_revision SET revision = revision + 1;
          RETURN NULL;
        END
      $$;
      CREATE TRIGGER settings_raise_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON settings
        FOR EACH STATEMENT EXECUTE FUNCTION raise_setting_revision();

      CREATE TABLE keys (
        purpose text CONSTRAINT keys_pkey PRIMARY KEY,
        sealed text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE keys IS 'made once, closed under the secret key of the suite and closed anew when that changes';
    `),
}
