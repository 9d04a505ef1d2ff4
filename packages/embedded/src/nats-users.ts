import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BadRequest, Conflict, NotFound, Unavailable } from '@berth/errors'
import { NATS_USERS, type NatsPermissions, natsPermissions } from '@berth/types'
import { z } from 'zod'
import { takeLock } from './claim.ts'
import { type NatsAccount, renderNatsUsers } from './nats-config.ts'
import { mayConnect } from './nats-info.ts'
import { natsFiles, natsPid, natsPort } from './nats-server.ts'
import { writePrivateFile } from './private-file.ts'
import { derivedPassword, readTrimmed } from './secrets.ts'

const Credentials = z.object({ user: z.string(), pass: z.string() })
const ExternalUsers = z.array(
  z.object({
    name: z.string(),
    pass: z.string(),
    permissions: z.object({
      publish: z.array(z.string()),
      subscribe: z.array(z.string()),
      allowResponses: z.boolean(),
    }),
  }),
)

/** Somebody who is not a part of the suite. */
export interface ExternalNatsUser {
  name: string
  permissions: NatsPermissions
}

/** Writes `<user>.json` for each of our own users and answers everybody who may connect. */
export async function prepareNatsUsers(home: string, secretKey: string): Promise<NatsAccount[]> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  for (const user of NATS_USERS) {
    const credentials = { user, pass: derivedPassword(secretKey, `nats:${user}`) }
    await writePrivateFile(credentialsPath(home, user), `${JSON.stringify(credentials)}\n`)
  }
  return allUsers(home)
}

/** The file with the credentials of one of our own users. */
export function credentialsPath(home: string, user: (typeof NATS_USERS)[number]): string {
  return join(home, `${user}.json`)
}

/** The users made with `addNatsUser`. */
export async function listNatsUsers(home: string): Promise<ExternalNatsUser[]> {
  return (await readExternal(home)).map(({ name, permissions }) => ({ name, permissions }))
}

/**
 * Makes a user for somebody outside and, when the server runs, lets it in before returning.
 *
 * @throws {BadRequest} not a name; {Conflict} the name is taken; {Unavailable} the running server did not take it over
 */
export async function addNatsUser(home: string, user: ExternalNatsUser): Promise<{ user: string; pass: string }> {
  const { name, permissions } = user
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new BadRequest('a user is named by a-z, 0-9 and dashes')
  if ((NATS_USERS as readonly string[]).includes(name)) throw new Conflict(`${name} is a part of the suite`)
  const pass = randomBytes(24).toString('base64url')
  await changeUsers(home, (users) => {
    if (users.some((other) => other.name === name)) throw new Conflict(`there is a user ${name} already`)
    return [...users, { name, pass, permissions }]
  })
  await takenOver(home, { user: name, pass }, true)
  return { user: name, pass }
}

/** @throws {NotFound} no such user; {Unavailable} the running server did not take it over */
export async function removeNatsUser(home: string, name: string): Promise<void> {
  let pass = ''
  await changeUsers(home, (users) => {
    const found = users.find((user) => user.name === name)
    if (!found) throw new NotFound(`there is no user ${name}`)
    pass = found.pass
    return users.filter((user) => user !== found)
  })
  await takenOver(home, { user: name, pass }, false)
}

async function changeUsers(
  home: string,
  change: (users: z.output<typeof ExternalUsers>) => z.output<typeof ExternalUsers>,
): Promise<void> {
  const release = await lock(home)
  try {
    const changed = change(await readExternal(home))
    await writePrivateFile(join(home, 'users.json'), `${JSON.stringify(changed, null, 2)}\n`)
    await writePrivateFile(natsFiles(home).users, renderNatsUsers(await allUsers(home)))
  } finally {
    await release()
  }
}

async function lock(home: string): Promise<() => Promise<void>> {
  for (let tries = 0; tries < 50; tries++) {
    const taken = await takeLock(home)
    if ('release' in taken) return taken.release
    await sleep(100)
  }
  throw new Unavailable('somebody else is changing the users of NATS')
}

async function takenOver(home: string, who: { user: string; pass: string }, admitted: boolean): Promise<void> {
  const files = natsFiles(home)
  const pid = await natsPid(files)
  const port = await natsPort(files)
  if (pid === undefined || !port) return
  for (let tries = 0; tries < 50; tries++) {
    // Again each second: two reloads that meet may become one.
    if (tries % 10 === 0) process.kill(pid, 'SIGHUP')
    await sleep(100)
    if ((await mayConnect(port, who.user, who.pass)) === admitted) return
  }
  throw new Unavailable('nats-server did not take over its changed users')
}

/** Everybody: our own by their credential files, then those from outside. */
export async function allUsers(home: string): Promise<NatsAccount[]> {
  const own = NATS_USERS.map(async (user) => {
    const { pass } = Credentials.parse(JSON.parse(await readFile(credentialsPath(home, user), 'utf8')))
    return { user, pass, permissions: natsPermissions(user) }
  })
  const external = await readExternal(home)
  return [...(await Promise.all(own)), ...external.map(({ name, ...rest }) => ({ user: name, ...rest }))]
}

async function readExternal(home: string): Promise<z.output<typeof ExternalUsers>> {
  const text = await readTrimmed(join(home, 'users.json'))
  return text === undefined ? [] : ExternalUsers.parse(JSON.parse(text))
}
