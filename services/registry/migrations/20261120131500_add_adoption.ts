import type { Migration } from '@berth/db'
import type { Knex } from 'knex'

const CHANGES = `
-- A storage of another registry that is taken over where it stands; one row for each, however often it is read.
-- options: what decides the outcome; another set of them reads everything again.
CREATE TABLE registry.adoption (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT adoption_pkey PRIMARY KEY,
  source text COLLATE "C" NOT NULL CONSTRAINT adoption_source_key UNIQUE,
  options text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);

-- source_name: what it is called there. manifests, tags: how many of it are in the tables now.
CREATE TABLE registry.adoption_repository (
  adoption_id bigint NOT NULL
    CONSTRAINT adoption_repository_adoption_fk REFERENCES registry.adoption (id) ON DELETE CASCADE,
  source_name text COLLATE "C" NOT NULL,
  done_at timestamptz,
  manifests bigint NOT NULL DEFAULT 0,
  tags bigint NOT NULL DEFAULT 0,
  untagged bigint NOT NULL DEFAULT 0,
  CONSTRAINT adoption_repository_pkey PRIMARY KEY (adoption_id, source_name)
);

-- What was left out, and why; what: repository, manifest, tag, blob or index (an index taken over with gaps).
CREATE TABLE registry.adoption_finding (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT adoption_finding_pkey PRIMARY KEY,
  adoption_id bigint NOT NULL
    CONSTRAINT adoption_finding_adoption_fk REFERENCES registry.adoption (id) ON DELETE CASCADE,
  source_name text COLLATE "C" NOT NULL,
  what text NOT NULL,
  name text NOT NULL,
  why text NOT NULL
);
CREATE INDEX adoption_finding_idx ON registry.adoption_finding (adoption_id, source_name);

-- adopted_at: taken over without its tags being known; no garbage collection counts it among the untagged.
ALTER TABLE registry.manifest ADD COLUMN adopted_at timestamptz;
CREATE INDEX manifest_adopted_idx ON registry.manifest (repository_id, id) WHERE adopted_at IS NOT NULL;
`

export const addAdoption: Migration = {
  name: '20261120131500_add_adoption',
  async up(knex: Knex) {
    await knex.raw(CHANGES)
  },
}
