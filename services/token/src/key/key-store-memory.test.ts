import { describe } from 'vitest'
import { keyStoreContract } from './key-store.contract.ts'
import { keyStoreMemory } from './key-store-memory.ts'

describe('keys in memory', () => keyStoreContract(async () => keyStoreMemory()))
