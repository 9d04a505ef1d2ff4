import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { addNatsUser, credentialsPath, removeNatsUser } from '@berth/embedded'
import { provisionConsumer, removeConsumer } from '@berth/messaging'
import { accessIssue, type ExternalUser, externalConsumer, externalPermissions } from '@berth/types'
import type { Command } from 'commander'
import { openApi } from '../api.ts'
import { writePrivate } from '../context/config-file.ts'
import { readSecret } from '../context/secret.ts'
import { LOCAL, resolveTarget } from '../context/target.ts'
import { CommandFailed, UsageError } from '../exit.ts'
import { dataDirectory, getSuite } from '../local-suite.ts'
import { openSession, type Session } from '../session.ts'
import type { World } from '../terminal.ts'
import { type CredentialsFile, externalCredentialsPath } from './credentials-file.ts'
import { printPermissions } from './permissions-command.ts'
import { withProvision } from './provision-bus.ts'
import { type Account, createReader, shortName } from './robot.ts'
import { checkAsks, checkEvents } from './subjects.ts'

const STREAM = 'EVENTS'

interface AddOptions {
  ask: string[]
  follow: string[]
  allowWrite?: boolean
  robot?: string
  project?: string
  robotSecretStdin?: boolean
  credentials?: string
  dryRun?: boolean
}

/** `berth nats user add` */
export function userAddCommand(user: Command, world: World): void {
  user
    .command('add <name>')
    .description('make a NATS user for a program that is not part of the suite')
    .option('--ask <subject...>', 'subjects it may ask, as docs/asyncapi.json lists them', [])
    .option('--follow <event...>', 'events it follows, with a durable consumer of its own', [])
    .option('--allow-write', 'let it be given asks that change something')
    .option('--robot <name>', 'robot account whose rights its questions about content have')
    .option('--project <name>', 'make that robot account: it may read this project')
    .option('--robot-secret-stdin', 'read the secret of an existing --robot from standard input')
    .option('--credentials <file>', 'where to write what it needs; else $BERTH_DATA/nats/external-<name>.json')
    .option('--dry-run', 'print what it would be granted (-o config for a NATS server of your own) and make nothing')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const session = openSession(world, command, options.dryRun ? ['table', 'json', 'config'] : ['table', 'json'])
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new UsageError('a user is named by a-z, 0-9 and dashes')
      const external = wanted(name, options)
      if (options.dryRun) return printPermissions(session.terminal, { [name]: externalPermissions(external) })
      await add(session, external, options)
    })
}

function wanted(name: string, options: AddOptions): ExternalUser {
  const asks = checkAsks(options.ask, { allowWrite: options.allowWrite ?? false })
  const follows = checkEvents(options.follow)
  if (asks.length === 0 && follows.length === 0) throw new UsageError('nothing to grant: give --ask or --follow')
  if (options.robotSecretStdin && (!options.robot || options.project)) {
    throw new UsageError('--robot-secret-stdin goes with --robot, and not with --project')
  }
  const ownToken = asks.some((ask) => ask.caller === 'person') || options.robot || options.project
  return { name, follows, asks: [...asks.map((ask) => ask.subject), ...(ownToken ? [accessIssue.subject] : [])] }
}

async function add(session: Session, external: ExternalUser, options: AddOptions): Promise<void> {
  const { world, terminal } = session
  const { name, follows } = external
  const directory = dataDirectory(world.env, world.cwd)
  const suite = await getSuite(directory)
  if (!suite.nats.credentials) {
    throw new CommandFailed('this suite uses a NATS server of yours: make the user there, with what --dry-run prints')
  }
  const home = join(directory, 'nats')
  const path = options.credentials ? resolve(world.cwd, options.credentials) : externalCredentialsPath(home, name)
  if (await isThere(path)) throw new CommandFailed(`${path} is there already`)
  const known = await knownAccount(world, options)
  const { user, pass } = await addNatsUser(home, { name, permissions: externalPermissions(external) })
  const admin = { url: suite.nats.url, credentials: credentialsPath(home, 'provision') }
  const consumer = follows.length > 0 ? { stream: STREAM, name: externalConsumer(name) } : undefined
  try {
    if (consumer) {
      await withProvision(admin, async (bus) => {
        // One left over from a user of the same name would hand out what that one was to have.
        await removeConsumer(bus, consumer.stream, consumer.name)
        await provisionConsumer(bus, consumer.stream, consumer.name, [...follows])
      })
    }
    const account = options.project ? await makeAccount(session, name, options) : known
    const credentials = { servers: [suite.nats.url], user, pass, inboxPrefix: `_INBOX_${name}`, account, consumer }
    await writePrivate(path, credentials satisfies CredentialsFile)
  } catch (err) {
    await removeNatsUser(home, name)
    if (consumer) await withProvision(admin, (bus) => removeConsumer(bus, consumer.stream, consumer.name))
    throw err
  }
  if (terminal.output === 'json')
    return terminal.json({ user, credentials: path, asks: external.asks, follows, consumer })
  terminal.line(`user ${name} may connect; its credentials are in ${path}`)
}

async function makeAccount(session: Session, name: string, options: AddOptions): Promise<Account> {
  const project = options.project as string
  return createReader(
    openApi(await resolveTarget(session.world, LOCAL)),
    project,
    options.robot ? shortName(options.robot, project) : name,
  )
}

/** An account that is there already; its secret cannot be read anywhere, so it is handed in or filled in later. */
async function knownAccount(world: World, options: AddOptions): Promise<Account | undefined> {
  if (!options.robot || options.project) return undefined
  const secret = options.robotSecretStdin
    ? await readSecret(world, 'Secret of the robot')
    : world.env.BERTH_ROBOT_SECRET
  return { name: options.robot, secret: secret || undefined }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
