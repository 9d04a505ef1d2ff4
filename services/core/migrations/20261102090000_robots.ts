import type { Migration } from '@berth/db'

/** Robot accounts and what each may do. */
export const robots: Migration = {
  name: '20261102090000_robots',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE robots (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT robots_pkey PRIMARY KEY,
        name text NOT NULL,
        project_id integer CONSTRAINT robots_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        description text NOT NULL DEFAULT '',
        secret_hash bytea NOT NULL,
        duration_days integer NOT NULL CONSTRAINT robots_duration_days_check CHECK (duration_days = -1 OR duration_days > 0),
        disabled boolean NOT NULL DEFAULT false,
        creator_kind text NOT NULL CONSTRAINT robots_creator_kind_check CHECK (creator_kind IN ('user', 'robot')),
        creator_id integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT robots_project_id_name_key UNIQUE NULLS NOT DISTINCT (project_id, name)
      );
      COMMENT ON COLUMN robots.project_id IS 'absent: of level system';
      COMMENT ON COLUMN robots.secret_hash IS 'HMAC-SHA256 of the secret';

      CREATE TABLE robot_permissions (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT robot_permissions_pkey PRIMARY KEY,
        robot_id integer NOT NULL CONSTRAINT robot_permissions_robot_id_fkey REFERENCES robots ON DELETE CASCADE,
        scope text NOT NULL CONSTRAINT robot_permissions_scope_check CHECK (scope IN ('system', 'every project', 'project')),
        project_id integer CONSTRAINT robot_permissions_project_id_fkey REFERENCES projects ON DELETE CASCADE,
        access jsonb NOT NULL,
        CONSTRAINT robot_permissions_project_check CHECK ((scope = 'project') = (project_id IS NOT NULL))
      );
      COMMENT ON COLUMN robot_permissions.access IS 'pairs of resource and action';
      CREATE INDEX robot_permissions_robot_id_idx ON robot_permissions (robot_id);
      CREATE INDEX robot_permissions_project_id_idx ON robot_permissions (project_id);
    `),
}
