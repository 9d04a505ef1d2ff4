import type { Migration } from '@berth/db'

/** Lists of the audit log are by time: of everything, of a project, of a person. */
export const auditLists: Migration = {
  name: '20261120170000_audit_lists',
  up: (knex) =>
    knex.raw(`
      DROP INDEX audit_log_id_idx;
      DROP INDEX audit_log_project_id_idx;
      CREATE INDEX audit_log_project_idx ON audit_log (project_id, occurred_at DESC, id DESC);
      CREATE INDEX audit_log_username_idx ON audit_log (username, occurred_at DESC, id DESC);
    `),
}
