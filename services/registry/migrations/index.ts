import type { Migration } from '@berth/db'
import { createRegistry } from './20261120090000_create_registry.ts'
import { addArtifactFacts } from './20261120130000_add_artifact_facts.ts'
import { createGcRun } from './20261120131000_create_gc_run.ts'
import { addAdoption } from './20261120131500_add_adoption.ts'
import { createManifestRecheck } from './20261120132500_create_manifest_recheck.ts'
import { addUploadDigest } from './20261120134000_add_upload_digest.ts'
import { judgePulls } from './20261120134500_judge_pulls.ts'
import { indexCondemnedBlobs } from './20261120136000_index_condemned_blobs.ts'
import { countGcTurns } from './20261120137000_count_gc_turns.ts'
import { indexIcons } from './20261120150000_index_icons.ts'
import { choosePullRecords } from './20261120151000_choose_pull_records.ts'

export const migrations: readonly Migration[] = [
  createRegistry,
  addArtifactFacts,
  createGcRun,
  addAdoption,
  createManifestRecheck,
  addUploadDigest,
  judgePulls,
  indexCondemnedBlobs,
  countGcTurns,
  indexIcons,
  choosePullRecords,
]
