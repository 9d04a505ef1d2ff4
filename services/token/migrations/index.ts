import type { Migration } from '@berth/db'
import { createSigningKey } from './20261120090000_create_signing_key.ts'

export const migrations: readonly Migration[] = [createSigningKey]
