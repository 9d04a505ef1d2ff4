import { randomBytes } from 'node:crypto'
import { createVerifier, MAX_LIFETIME_SECONDS, REGISTRY_AUDIENCE } from '@berth/access'
import { silentLogger } from '@berth/runtime'
import { describe, expect, it } from 'vitest'
import { ALGORITHMS, keySeal, openKeyRing } from '../key/index.ts'
import { keyStoreMemory } from '../key/key-store-memory.ts'
import { createSigner } from './signer.ts'

describe.each(ALGORITHMS)('a token signed with %s', (alg) => {
  const ring = openKeyRing({ store: keyStoreMemory(), seal: keySeal(randomBytes(32)), alg, log: silentLogger })
  const access = [{ type: 'repository', name: 'a/b', actions: ['pull'], project: 1, rev: 2 }]

  it('is verified with the public keys', async () => {
    const keys = await ring
    const { token, expiresInSeconds, issuedAt, expiresAt } = await createSigner(keys)(
      { aud: REGISTRY_AUDIENCE, sub: 'dev', access, who: { kind: 'user', id: 3 } },
      1_800,
    )
    const verifier = createVerifier({ keys: async () => keys.publicKeys(), audience: REGISTRY_AUDIENCE })
    await expect(verifier.verify(token)).resolves.toMatchObject({ sub: 'dev', access, who: { kind: 'user', id: 3 } })
    expect(expiresInSeconds).toBe(1_800)
    expect(expiresAt.getTime() - issuedAt.getTime()).toBe(1_800_000)
  })

  it('lives no longer than a verifier would take it', async () => {
    const keys = await ring
    const { token, expiresInSeconds } = await createSigner(keys)({ aud: REGISTRY_AUDIENCE, sub: '', access }, 1e9)
    expect(expiresInSeconds).toBe(MAX_LIFETIME_SECONDS)
    const verifier = createVerifier({ keys: async () => keys.publicKeys(), audience: REGISTRY_AUDIENCE })
    await expect(verifier.verify(token)).resolves.toHaveProperty('jti')
  })
})
