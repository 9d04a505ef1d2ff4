import type { Migration } from '@berth/db'

/**
 * Labels, rules for immutable tags and allowlists of CVEs; who began to delete a project. The project `library` of a
 * fresh suite, which no request has made, is told like any other.
 */
export const policies: Migration = {
  name: '20261120160000_policies',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE labels (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT labels_pkey PRIMARY KEY,
        project_id integer CONSTRAINT labels_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        color text NOT NULL DEFAULT '',
        deleted_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX labels_name_key ON labels (project_id, name) NULLS NOT DISTINCT WHERE deleted_at IS NULL;
      CREATE INDEX labels_deleted_at_idx ON labels (deleted_at) WHERE deleted_at IS NOT NULL;
      COMMENT ON COLUMN labels.project_id IS 'absent: of the whole suite';
      COMMENT ON COLUMN labels.deleted_at IS 'gone for everybody; the row stays until the registry has taken it off';

      CREATE TABLE immutability_rules (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT immutability_rules_pkey PRIMARY KEY,
        project_id integer NOT NULL CONSTRAINT immutability_rules_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        disabled boolean NOT NULL,
        repositories jsonb NOT NULL,
        tags jsonb NOT NULL,
        fingerprint bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT immutability_rules_project_id_fingerprint_key UNIQUE (project_id, fingerprint)
      );
      COMMENT ON COLUMN immutability_rules.repositories IS 'selectors: {"pattern", "excludes"}; so are tags';
      COMMENT ON COLUMN immutability_rules.fingerprint IS 'SHA-256 of both lists, so that no rule is there twice';

      CREATE TABLE cve_allowlists (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT cve_allowlists_pkey PRIMARY KEY,
        project_id integer CONSTRAINT cve_allowlists_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        cves text[] NOT NULL,
        expires_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT cve_allowlists_project_id_key UNIQUE NULLS NOT DISTINCT (project_id)
      );
      COMMENT ON COLUMN cve_allowlists.project_id IS 'absent: of the whole suite, for every project that has none of its own';
      INSERT INTO cve_allowlists (cves) VALUES ('{}');

      ALTER TABLE projects ADD COLUMN deleting_by text;
      COMMENT ON COLUMN projects.deleting_by IS 'the name of who began to delete it';

      INSERT INTO outbox (subject, payload)
      SELECT 'event.project.created', jsonb_build_object(
        'id', gen_random_uuid(),
        'type', 'event.project.created',
        'occurredAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'revision', revision,
        'data', jsonb_build_object('project', jsonb_build_object(
          'id', id, 'name', name, 'kind', 'local', 'state', state, 'public', public, 'accessRevision', access_revision,
          'quotaLimitBytes', storage_limit_bytes, 'revision', revision))
      )::text
      FROM projects WHERE id = 1 AND revision = 1 AND state = 'open'
        AND NOT EXISTS (SELECT FROM project_metadata WHERE project_id = 1);
    `),
}
