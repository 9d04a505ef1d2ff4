import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Api } from '../api.ts'
import { readSecret } from '../context/secret.ts'
import { CommandFailed, messageOf, UsageError } from '../exit.ts'
import { openSession, type Session } from '../session.ts'
import type { World } from '../terminal.ts'
import { showReport } from './figures.ts'
import { makeProjects } from './missing-projects.ts'
import { progressBar } from './progress-bar.ts'
import { registryEnvironment } from './registry-environment.ts'
import { runRegistry } from './run-registry.ts'

interface Options {
  tagsFrom?: string
  tagsUser?: string
  tagsPasswordStdin?: boolean
  project?: string
  verify?: boolean
  releaseUntagged?: boolean
}

const PASSWORD = 'BERTH_ADOPT_TAGS_PASSWORD'

/** `berth registry adopt <place>`: takes over the storage of another registry where it stands. */
export function adoptCommand(registry: Command, world: World): void {
  registry
    .command('adopt')
    .description('take over the storage of a distribution or Harbor registry where it stands; start it again to go on')
    .argument('[place]', 'directory that holds docker/registry/v2, or s3://bucket/prefix')
    .option('--tags-from <url>', "Harbor's URL, or postgres:// of its database: its storage holds no tags")
    .option('--tags-user <name>', `who asks Harbor; the password is ${PASSWORD}`)
    .option('--tags-password-stdin', 'read that password from standard input')
    .option('--project <name>', 'project for repositories whose name has none')
    .option('--verify', 'read every blob and compare it with its digest, not its size alone')
    .option('--release-untagged', 'let garbage collection take what was taken over and has no tag')
    .action(async (place: string | undefined, options: Options, command: Command) => {
      const session = openSession(world, command)
      const args = argumentsOf(place, options, world)
      const env = { ...(await registryEnvironment(world)) }
      env[PASSWORD] = options.tagsPasswordStdin
        ? await readSecret(world, 'password for --tags-from')
        : world.env[PASSWORD]
      const bar = progressBar(world)
      const run = () => runRegistry(world, env, ['adopt', ...args], bar.show).finally(bar.clear)
      let { report } = await run()
      if (report.missingProjects !== undefined) {
        const made = await makeProjects(
          await apiFor(session, report.missingProjects),
          report.missingProjects,
          world.stop,
        )
        for (const name of made) session.terminal.say(`made the project ${name}, private`)
        ;({ report } = await run())
      }
      if (report.missingProjects !== undefined) {
        throw new CommandFailed(
          `not in force in the registry yet: ${report.missingProjects.join(', ')}; start it again`,
        )
      }
      showReport(session.terminal, report)
    })
}

/** @throws {CommandFailed} they are missing and nobody can be asked to make them */
async function apiFor(session: Session, missing: readonly string[]): Promise<Api> {
  try {
    return await session.api()
  } catch (err) {
    const why = messageOf(err)?.replace(/^berth: /, '') ?? 'no suite is known'
    throw new CommandFailed(`make these projects, or say where: ${missing.join(', ')} (${why})`, { cause: err })
  }
}

function argumentsOf(place: string | undefined, options: Options, world: World): string[] {
  if (options.releaseUntagged) {
    if (place !== undefined) throw new UsageError('--release-untagged is about everything taken over: name no place')
    return ['--release-untagged']
  }
  if (place === undefined) throw new UsageError('name the directory or the bucket to adopt')
  // It would be among the arguments of another process as well.
  if (options.tagsFrom && URL.parse(options.tagsFrom)?.password) {
    throw new UsageError(`--tags-from must not hold a password: ${PASSWORD} does, or --tags-password-stdin`)
  }
  const isUrl = /^[a-z0-9]+:\/\//.test(place)
  return [
    isUrl ? place : resolve(world.cwd, place),
    ...(options.tagsFrom ? ['--tags-from', options.tagsFrom] : []),
    ...(options.tagsUser ? ['--tags-user', options.tagsUser] : []),
    ...(options.project ? ['--project', options.project] : []),
    ...(options.verify ? ['--verify'] : []),
  ]
}
