import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- A run of garbage collection: what was asked for, how far it is, and what it has done. cursor: the last id looked at in
-- this phase. lease_until: somebody works on a step of it.
CREATE TABLE registry.gc_run (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT gc_run_pkey PRIMARY KEY,
  state text NOT NULL DEFAULT 'running' CONSTRAINT gc_run_state_check
    CHECK (state IN ('running', 'stopped', 'refused', 'finished')),
  phase text NOT NULL CONSTRAINT gc_run_phase_check
    CHECK (phase IN ('mark', 'measure', 'manifests', 'condemn', 'grace', 'blobs', 'bytes', 'done')),
  delete_untagged boolean NOT NULL,
  dry_run boolean NOT NULL,
  forced boolean NOT NULL,
  workers integer NOT NULL CONSTRAINT gc_run_workers_check CHECK (workers BETWEEN 1 AND 10),
  window_ms bigint NOT NULL,
  grace_ms bigint NOT NULL,
  cursor bigint NOT NULL DEFAULT 0,
  -- What this turn over the manifests has found or deleted so far.
  turn_count bigint NOT NULL DEFAULT 0,
  phase_at timestamptz NOT NULL DEFAULT now(),
  stored_bytes bigint NOT NULL DEFAULT 0,
  eligible_manifests bigint NOT NULL DEFAULT 0,
  eligible_blobs bigint NOT NULL DEFAULT 0,
  eligible_bytes bigint NOT NULL DEFAULT 0,
  purged_manifests bigint NOT NULL DEFAULT 0,
  purged_blobs bigint NOT NULL DEFAULT 0,
  freed_bytes bigint NOT NULL DEFAULT 0,
  lease_until timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  stepped_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE UNIQUE INDEX gc_run_running_key ON registry.gc_run (state) WHERE state = 'running';

-- The untagged manifests a run is about to delete. No reference: they may go by themselves.
CREATE TABLE registry.gc_manifest (
  run_id bigint NOT NULL CONSTRAINT gc_manifest_run_fk REFERENCES registry.gc_run (id) ON DELETE CASCADE,
  manifest_id bigint NOT NULL,
  CONSTRAINT gc_manifest_pkey PRIMARY KEY (run_id, manifest_id)
);

-- As of blob: when the bytes were last hashed, and when they were found to be others.
ALTER TABLE registry.manifest_content
  ADD COLUMN verified_at timestamptz,
  ADD COLUMN corrupt_at timestamptz;
CREATE INDEX manifest_content_corrupt_idx ON registry.manifest_content (digest) WHERE corrupt_at IS NOT NULL;

-- What one replica does now and then for all of them. cursor: how far its present round is.
CREATE TABLE registry.chore (
  name text COLLATE "C" CONSTRAINT chore_pkey PRIMARY KEY,
  cursor text COLLATE "C" NOT NULL DEFAULT '',
  began_at timestamptz NOT NULL DEFAULT now(),
  done_at timestamptz
);
`

export const createGcRun: Migration = {
  name: '20261120131000_create_gc_run',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
