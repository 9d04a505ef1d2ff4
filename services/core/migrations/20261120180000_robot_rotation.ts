import type { Migration } from '@berth/db'

/** A robot's secret before the last one, for as long as both hold, and whether its end was told. */
export const robotRotation: Migration = {
  name: '20261120180000_robot_rotation',
  up: (knex) =>
    knex.raw(`
      ALTER TABLE robots
        ADD COLUMN previous_secret_hash bytea,
        ADD COLUMN previous_secret_until timestamptz,
        ADD COLUMN warned_at timestamptz,
        ADD COLUMN revision bigint NOT NULL DEFAULT 1,
        ADD CONSTRAINT robots_previous_secret_check
          CHECK ((previous_secret_hash IS NULL) = (previous_secret_until IS NULL));
      COMMENT ON COLUMN robots.warned_at IS 'when it was told that the robot ends soon';
    `),
}
