import { createOutboxTable, type Migration } from '@berth/db'
import type { Knex } from 'knex'

const TABLES = `
-- What core says of each project; rows of deleted ones stay as a mark against late messages.
CREATE TABLE registry.project (
  id bigint CONSTRAINT project_pkey PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL CONSTRAINT project_kind_check CHECK (kind IN ('local', 'proxy')),
  state text NOT NULL CONSTRAINT project_state_check CHECK (state IN ('open', 'deleting', 'closed', 'deleted')),
  public boolean NOT NULL,
  access_revision bigint NOT NULL,
  quota_limit bigint NOT NULL,
  used bigint NOT NULL DEFAULT 0 CONSTRAINT project_used_check CHECK (used >= 0),
  policy jsonb NOT NULL DEFAULT '{}',
  revision bigint NOT NULL,
  purged_at timestamptz
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX project_name_key ON registry.project (name) WHERE state <> 'deleted';
CREATE INDEX project_unpurged_idx ON registry.project (id) WHERE state = 'deleted' AND purged_at IS NULL;

-- name is the whole one, library/nginx; listed from the first manifest on, so that blobs alone make no repository.
CREATE TABLE registry.repository (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT repository_pkey PRIMARY KEY,
  project_id bigint NOT NULL CONSTRAINT repository_project_fk REFERENCES registry.project (id),
  name text COLLATE "C" NOT NULL,
  listed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT repository_project_name_key UNIQUE (project_id, name)
);
CREATE INDEX repository_name_idx ON registry.repository (name) WHERE listed;

CREATE TABLE registry.blob (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT blob_pkey PRIMARY KEY,
  digest text COLLATE "C" NOT NULL CONSTRAINT blob_digest_key UNIQUE,
  size bigint NOT NULL CONSTRAINT blob_size_check CHECK (size >= 0),
  storage_key text COLLATE "C" NOT NULL CONSTRAINT blob_storage_key_key UNIQUE,
  touched_at timestamptz NOT NULL DEFAULT now(),
  condemned_at timestamptz
) WITH (fillfactor = 90);
CREATE INDEX blob_condemned_idx ON registry.blob (condemned_at, id) WHERE condemned_at IS NOT NULL;

-- Which repository may see which blob; no reference that keeps one alive.
CREATE TABLE registry.repository_blob (
  repository_id bigint NOT NULL CONSTRAINT repository_blob_repository_fk REFERENCES registry.repository (id),
  blob_id bigint NOT NULL CONSTRAINT repository_blob_blob_fk REFERENCES registry.blob (id) ON DELETE CASCADE,
  CONSTRAINT repository_blob_pkey PRIMARY KEY (repository_id, blob_id)
);
CREATE INDEX repository_blob_blob_idx ON registry.repository_blob (blob_id);

-- The bytes of manifests, once per digest. dropped_at: a manifest of it was deleted, look whether it was the last.
CREATE TABLE registry.manifest_content (
  digest text COLLATE "C" CONSTRAINT manifest_content_pkey PRIMARY KEY,
  bytes bytea NOT NULL,
  dropped_at timestamptz
);
CREATE INDEX manifest_content_dropped_idx ON registry.manifest_content (dropped_at) WHERE dropped_at IS NOT NULL;

CREATE TABLE registry.manifest (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT manifest_pkey PRIMARY KEY,
  repository_id bigint NOT NULL CONSTRAINT manifest_repository_fk REFERENCES registry.repository (id),
  digest text COLLATE "C" NOT NULL CONSTRAINT manifest_content_fk REFERENCES registry.manifest_content (digest),
  media_type text NOT NULL,
  size bigint NOT NULL,
  artifact_type text,
  subject_digest text COLLATE "C",
  -- Of manifests with a subject, for the referrers API. Not jsonb, which takes no "\\u0000".
  annotations json,
  pushed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT manifest_repository_digest_key UNIQUE (repository_id, digest)
);
CREATE INDEX manifest_digest_idx ON registry.manifest (digest);
CREATE INDEX manifest_subject_idx ON registry.manifest (repository_id, subject_digest, id)
  WHERE subject_digest IS NOT NULL;

CREATE TABLE registry.manifest_blob (
  manifest_id bigint NOT NULL
    CONSTRAINT manifest_blob_manifest_fk REFERENCES registry.manifest (id) ON DELETE CASCADE,
  blob_id bigint NOT NULL CONSTRAINT manifest_blob_blob_fk REFERENCES registry.blob (id) ON DELETE RESTRICT,
  project_id bigint NOT NULL,
  CONSTRAINT manifest_blob_pkey PRIMARY KEY (manifest_id, blob_id)
);
CREATE INDEX manifest_blob_blob_idx ON registry.manifest_blob (blob_id, project_id);

CREATE TABLE registry.manifest_child (
  parent_id bigint NOT NULL
    CONSTRAINT manifest_child_parent_fk REFERENCES registry.manifest (id) ON DELETE CASCADE,
  child_id bigint NOT NULL CONSTRAINT manifest_child_child_fk REFERENCES registry.manifest (id) ON DELETE RESTRICT,
  CONSTRAINT manifest_child_pkey PRIMARY KEY (parent_id, child_id)
);
CREATE INDEX manifest_child_child_idx ON registry.manifest_child (child_id);

-- The distinct blobs the manifests of a project name; the sum of their sizes is project.used.
CREATE TABLE registry.project_blob (
  project_id bigint NOT NULL CONSTRAINT project_blob_project_fk REFERENCES registry.project (id),
  blob_id bigint NOT NULL CONSTRAINT project_blob_blob_fk REFERENCES registry.blob (id) ON DELETE RESTRICT,
  CONSTRAINT project_blob_pkey PRIMARY KEY (project_id, blob_id)
);
CREATE INDEX project_blob_blob_idx ON registry.project_blob (blob_id);

-- One for all events, so what is deleted and made again goes on counting.
CREATE SEQUENCE registry.revision;

CREATE TABLE registry.tag (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT tag_pkey PRIMARY KEY,
  repository_id bigint NOT NULL CONSTRAINT tag_repository_fk REFERENCES registry.repository (id),
  name text COLLATE "C" NOT NULL,
  manifest_id bigint NOT NULL CONSTRAINT tag_manifest_fk REFERENCES registry.manifest (id),
  revision bigint NOT NULL,
  pushed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tag_repository_name_key UNIQUE (repository_id, name)
) WITH (fillfactor = 80);
CREATE INDEX tag_manifest_idx ON registry.tag (manifest_id);

-- A session between its POST and its PUT. path: where the bytes gather; sealed_key: where they are about to go.
CREATE TABLE registry.upload (
  id text COLLATE "C" CONSTRAINT upload_pkey PRIMARY KEY,
  repository_id bigint NOT NULL,
  subject text NOT NULL,
  algorithm text NOT NULL CONSTRAINT upload_algorithm_check CHECK (algorithm IN ('sha256', 'sha512')),
  path text NOT NULL,
  offset_bytes bigint NOT NULL DEFAULT 0,
  sealed_key text COLLATE "C",
  holder text,
  generation bigint NOT NULL DEFAULT 0,
  lease_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX upload_expires_idx ON registry.upload (expires_at);
CREATE INDEX upload_repository_idx ON registry.upload (repository_id);

CREATE TABLE registry.trash (
  storage_key text COLLATE "C" CONSTRAINT trash_pkey PRIMARY KEY,
  size bigint NOT NULL,
  since timestamptz NOT NULL DEFAULT now()
);
`

export const createRegistry: Migration = {
  name: '20261120090000_create_registry',
  async up(knex: Knex) {
    await knex.raw(TABLES)
    await createOutboxTable(knex, 'registry')
  },
}
