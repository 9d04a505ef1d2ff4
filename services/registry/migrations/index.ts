import type { Migration } from '@berth/db'
import { createRegistry } from './20261120090000_create_registry.ts'
import { addArtifactFacts } from './20261120130000_add_artifact_facts.ts'

export const migrations: readonly Migration[] = [createRegistry, addArtifactFacts]
