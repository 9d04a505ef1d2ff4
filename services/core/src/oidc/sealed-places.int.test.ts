import { randomBytes } from 'node:crypto'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { throwAwayPostgres } from '@berth/testkit'
import { expect, it } from 'vitest'
import { createSeal, reseal } from '../secret/index.ts'
import { sessionStore } from '../session/session-store.ts'
import { migrateCore, SCHEMA } from '../wire.ts'
import { oidcStore } from './oidc-store.ts'
import { PURPOSE } from './purposes.ts'
import { oidcPlaces } from './sealed-places.ts'

it('what is sealed of people of the provider is closed anew when the secret key changes', async () => {
  const postgres = await throwAwayPostgres()
  const url = await postgres.createDatabase()
  const database = openDatabase({ url, service: 'core', schema: SCHEMA, log: silentLogger })
  try {
    await migrateCore(database, silentLogger)
    const [before, after] = [randomBytes(32), randomBytes(32)]
    const old = createSeal(before)
    await oidcStore.keep(database, {
      userId: 1,
      issuer: 'https://id.example',
      subject: 's',
      cliSecret: old.close('the secret', PURPOSE.cliSecret(1)),
      refreshToken: old.close('the token', PURPOSE.refreshToken(1)),
      aliveUntil: new Date(),
    })
    const sid = await sessionStore.create(database, { id: 1 }, 60)
    const found = await sessionStore.find(database, sid ?? '')
    const session = found?.caller.session ?? Buffer.alloc(0)
    await oidcStore.addSession(database, session, old.close('the hint', PURPOSE.idToken))

    expect(await reseal(database, createSeal(after, before), oidcPlaces, silentLogger)).toBe(3)
    expect(await reseal(database, createSeal(after, before), oidcPlaces, silentLogger)).toBe(0)
    const now = createSeal(after)
    const person = await oidcStore.byId(database, 1)
    expect(now.open(person?.cliSecret ?? '', PURPOSE.cliSecret(1))).toBe('the secret')
    expect(now.open(person?.refreshToken ?? '', PURPOSE.refreshToken(1))).toBe('the token')
    const hint = await oidcStore.findSession(database, session)
    expect(now.open(hint?.idToken ?? '', PURPOSE.idToken)).toBe('the hint')
  } finally {
    await database.close()
    await postgres.stop()
  }
})
