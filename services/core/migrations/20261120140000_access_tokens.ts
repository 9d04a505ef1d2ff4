import type { Migration } from '@berth/db'

/** The roles people have by themselves and through groups, access tokens of persons, and names that are to be forgotten. */
export const accessTokens: Migration = {
  name: '20261120140000_access_tokens',
  up: (knex) =>
    knex.raw(`
      CREATE VIEW user_roles AS
        SELECT user_id, project_id, role_id FROM members WHERE user_id IS NOT NULL
        UNION ALL
        SELECT p.user_id, m.project_id, m.role_id FROM group_people p JOIN members m ON m.group_id = p.group_id;
      COMMENT ON VIEW user_roles IS 'a row for each way somebody has a role in a project';

      CREATE TABLE access_tokens (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT access_tokens_pkey PRIMARY KEY,
        user_id integer NOT NULL CONSTRAINT access_tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        secret_hash bytea NOT NULL CONSTRAINT access_tokens_secret_hash_key UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        last_used_at timestamptz,
        CONSTRAINT access_tokens_user_id_name_key UNIQUE (user_id, name)
      );
      COMMENT ON COLUMN access_tokens.secret_hash IS 'HMAC-SHA256 of the token';

      CREATE TABLE access_token_permissions (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT access_token_permissions_pkey PRIMARY KEY,
        token_id integer NOT NULL
          CONSTRAINT access_token_permissions_token_id_fkey REFERENCES access_tokens ON DELETE CASCADE,
        scope text NOT NULL
          CONSTRAINT access_token_permissions_scope_check CHECK (scope IN ('system', 'every project', 'project')),
        project_id integer CONSTRAINT access_token_permissions_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        access jsonb NOT NULL,
        CONSTRAINT access_token_permissions_project_check CHECK ((scope = 'project') = (project_id IS NOT NULL))
      );
      COMMENT ON COLUMN access_token_permissions.access IS 'pairs of resource and action';
      CREATE INDEX access_token_permissions_token_id_idx ON access_token_permissions (token_id);
      CREATE INDEX access_token_permissions_project_id_idx ON access_token_permissions (project_id);

      CREATE TABLE forgotten_names (
        name text NOT NULL,
        replacement text NOT NULL,
        deleted_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT forgotten_names_pkey PRIMARY KEY (name, deleted_at)
      );
      COMMENT ON TABLE forgotten_names IS 'names of deleted people that still are to be replaced in the audit log';
    `),
}
