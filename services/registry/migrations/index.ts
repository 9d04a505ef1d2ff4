import type { Migration } from '@berth/db'
import { createRegistry } from './20261120090000_create_registry.ts'
import { addArtifactFacts } from './20261120130000_add_artifact_facts.ts'
import { createGcRun } from './20261120131000_create_gc_run.ts'
import { addAdoption } from './20261120131500_add_adoption.ts'

export const migrations: readonly Migration[] = [createRegistry, addArtifactFacts, createGcRun, addAdoption]
