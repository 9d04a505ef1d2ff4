import type { Migration } from '@berth/db'
import { createRegistry } from './20261120090000_create_registry.ts'

export const migrations: readonly Migration[] = [createRegistry]
