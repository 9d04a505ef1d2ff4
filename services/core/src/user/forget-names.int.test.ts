import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { query } from '../testing/query.ts'
import { replaceForgottenNames } from './forget-names.ts'

let surroundings: Surroundings
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
}, 60_000)
afterAll(() => surroundings?.stop(), 30_000)

async function makeAndDelete(core: RunningCore, username: string): Promise<number> {
  const body = { username, email: `${username}@x.org`, realname: 'A Name', comment: 'hello', password: 'Password1' }
  const { headers } = await core.post('/users', { as: admin, body })
  const id = Number(headers.get('location')?.split('/').at(-1))
  await core.post('/projects', { as: `${username}:Password1`, body: { project_name: `of-${username}` } })
  const member = { role_id: 3, member_user: { username } }
  await core.post('/projects/library/members', { as: admin, body: member })
  expect((await core.delete(`/users/${id}`, { as: admin })).status).toBe(200)
  return id
}

const audited = async (core: RunningCore) =>
  JSON.stringify(await query(core, 'SELECT username, resource, description FROM core.audit_log ORDER BY id'))

describe('somebody who is deleted', () => {
  it('leaves their name in the row and in the audit log unless that is not wanted', async () => {
    const core = await surroundings.startCore()
    const id = await makeAndDelete(core, 'ann')
    const [row] = await query(core, 'SELECT username, email, realname FROM core.users WHERE id = $1', [id])
    expect(row).toEqual({ username: `ann#${id}`, email: `ann@x.org#${id}`, realname: 'A Name' })
    expect(await query(core, 'SELECT FROM core.forgotten_names')).toEqual([])
    expect(await audited(core)).toContain('"ann"')
    await core.stop()
  })

  it('is named no more in the table of users, always by the same pseudonym, with GDPR_DELETE_USER', async () => {
    const core = await surroundings.startCore({ GDPR_DELETE_USER: 'true' })
    const ids = [await makeAndDelete(core, 'ann'), await makeAndDelete(core, 'ann')]
    const rows = await query<{ username: string; email: string; realname: string; comment: string }>(
      core,
      'SELECT username, email, realname, comment FROM core.users WHERE id = ANY($1) ORDER BY id',
      [ids],
    )
    const [pseudonym] = rows[0]?.username.split('#') ?? []
    expect(pseudonym).toMatch(/^[0-9a-f]{16}$/)
    expect(rows).toEqual(
      ids.map((id) => ({ username: `${pseudonym}#${id}`, email: `${pseudonym}#${id}`, realname: '', comment: '' })),
    )
    expect(await query(core, 'SELECT FROM core.forgotten_names')).toEqual([])
    await core.stop()
  })

  it('is named no more in the audit log either, with GDPR_AUDIT_LOGS', async () => {
    const core = await surroundings.startCore({ GDPR_DELETE_USER: 'true', GDPR_AUDIT_LOGS: 'true' })
    const database = openDatabase({ url: core.databaseUrl, service: 'core', schema: 'core', log: silentLogger })
    const id = await makeAndDelete(core, 'ann')
    expect(await replaceForgottenNames(database)).toBe(0)
    expect(await audited(core)).toContain('"ann"')
    await query(core, `UPDATE core.forgotten_names SET deleted_at = now() - interval '2 minutes'`)
    expect(await replaceForgottenNames(database)).toBeGreaterThanOrEqual(3)
    const log = await audited(core)
    expect(log).not.toContain('"ann"')
    expect(log).toMatch(new RegExp(`"username":"[0-9a-f]{16}#${id}"`))
    expect(log).toContain('"admin"')
    expect(await query(core, 'SELECT FROM core.forgotten_names')).toEqual([])
    expect(await replaceForgottenNames(database)).toBe(0)
    await database.close()
    await core.stop()
  })
})
