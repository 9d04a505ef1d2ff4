import type { Migration } from '@berth/db'

/** Who did what. A partition a month, made ahead of time, so that the old goes by dropping a table. */
export const auditLog: Migration = {
  name: '20261120101000_audit_log',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY,
        occurred_at timestamptz NOT NULL DEFAULT now(),
        project_id integer,
        username text NOT NULL,
        operation text NOT NULL,
        resource_type text NOT NULL,
        resource text NOT NULL,
        description text NOT NULL DEFAULT '',
        succeeded boolean NOT NULL,
        address text,
        request_id text,
        event_id uuid,
        CONSTRAINT audit_log_pkey PRIMARY KEY (occurred_at, id),
        CONSTRAINT audit_log_event_key UNIQUE (occurred_at, event_id)
      ) PARTITION BY RANGE (occurred_at);
      CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
      CREATE INDEX audit_log_id_idx ON audit_log (id DESC);
      CREATE INDEX audit_log_project_id_idx ON audit_log (project_id, id DESC);
      COMMENT ON COLUMN audit_log.project_id IS 'stays when the project goes';
      COMMENT ON COLUMN audit_log.event_id IS 'of the event the row was made from; one row an event';
    `),
}
