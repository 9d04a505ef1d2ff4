import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- What holds for every project at once; one row.
CREATE TABLE registry.mode (
  single boolean NOT NULL DEFAULT true CONSTRAINT mode_pkey PRIMARY KEY CONSTRAINT mode_single_check CHECK (single),
  read_only boolean NOT NULL DEFAULT false,
  -- Whether pulls are counted, timed and told.
  record_pulls boolean NOT NULL DEFAULT true,
  revision bigint NOT NULL DEFAULT 0
);
INSERT INTO registry.mode DEFAULT VALUES;

ALTER TABLE registry.repository
  ADD COLUMN description text NOT NULL DEFAULT '',
  ADD COLUMN pull_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN described_at timestamptz;

-- kind: IMAGE, CHART, …; total_size: with everything it names; extra_attrs: what its config says, read after the push,
-- when facts_at is set. accessory_of: the digest it is an accessory of, whether that one is here or not.
-- shown: whether a list shows it that was not asked for children and accessories.
ALTER TABLE registry.manifest
  ADD COLUMN kind text NOT NULL DEFAULT 'UNKNOWN',
  ADD COLUMN config_digest text COLLATE "C",
  ADD COLUMN config_media_type text,
  ADD COLUMN total_size bigint NOT NULL DEFAULT 0,
  ADD COLUMN extra_attrs json,
  ADD COLUMN facts_at timestamptz,
  ADD COLUMN icon text,
  ADD COLUMN accessory_type text,
  ADD COLUMN accessory_of text COLLATE "C",
  ADD COLUMN shown boolean NOT NULL DEFAULT true,
  ADD COLUMN pull_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN pulled_at timestamptz;
CREATE INDEX manifest_without_facts_idx ON registry.manifest (id) WHERE facts_at IS NULL;
CREATE INDEX manifest_accessory_idx ON registry.manifest (repository_id, accessory_of, id)
  WHERE accessory_of IS NOT NULL;
CREATE INDEX manifest_shown_idx ON registry.manifest (repository_id, pushed_at DESC, id DESC) WHERE shown;
CREATE INDEX manifest_pushed_idx ON registry.manifest (repository_id, pushed_at DESC, id DESC);

-- What the index says of the child, in its order.
ALTER TABLE registry.manifest_child
  ADD COLUMN position integer NOT NULL DEFAULT 0,
  ADD COLUMN platform json,
  ADD COLUMN annotations json,
  ADD COLUMN urls json;

ALTER TABLE registry.tag ADD COLUMN pulled_at timestamptz;

-- Definitions of labels are core's; here is only what carries which.
CREATE TABLE registry.artifact_label (
  manifest_id bigint NOT NULL
    CONSTRAINT artifact_label_manifest_fk REFERENCES registry.manifest (id) ON DELETE CASCADE,
  label_id bigint NOT NULL,
  attached_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT artifact_label_pkey PRIMARY KEY (manifest_id, label_id)
);
CREATE INDEX artifact_label_label_idx ON registry.artifact_label (label_id, manifest_id);

-- What a scanner says of an artifact; severity is the highest found, cves the severity of each.
CREATE TABLE registry.artifact_verdict (
  manifest_id bigint NOT NULL
    CONSTRAINT artifact_verdict_manifest_fk REFERENCES registry.manifest (id) ON DELETE CASCADE,
  scanner text NOT NULL,
  severity text NOT NULL,
  summary json,
  cves json NOT NULL DEFAULT '{}',
  revision bigint NOT NULL,
  scanned_at timestamptz NOT NULL,
  CONSTRAINT artifact_verdict_pkey PRIMARY KEY (manifest_id, scanner)
);

-- verified_at: when its bytes were last read and hashed; corrupt_at: when they were found to be others.
ALTER TABLE registry.blob
  ADD COLUMN verified_at timestamptz,
  ADD COLUMN corrupt_at timestamptz;
CREATE INDEX blob_corrupt_idx ON registry.blob (id) WHERE corrupt_at IS NOT NULL;

-- What the storage must know to go on with an upload; its own words.
ALTER TABLE registry.upload ADD COLUMN storage_state json;
`

export const addArtifactFacts: Migration = {
  name: '20261120130000_add_artifact_facts',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
