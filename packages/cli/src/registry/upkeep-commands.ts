import type { Command } from 'commander'
import { CommandFailed, Interrupted } from '../exit.ts'
import { openSession } from '../session.ts'
import type { World } from '../terminal.ts'
import { showReport } from './figures.ts'
import { progressBar } from './progress-bar.ts'
import { registryEnvironment } from './registry-environment.ts'
import { runRegistry } from './run-registry.ts'

type Options = Record<string, string | boolean | undefined>

/** `berth registry gc`, `scrub` and `fsck`: the registry's own commands, with their progress and report. */
export function upkeepCommands(registry: Command, world: World): void {
  const gc = registry
    .command('gc')
    .description('remove what nobody refers to, while everything goes on')
    .option('--delete-untagged', 'artifacts without a tag go too')
    .option('--dry-run', 'only find out what would go')
    .option('--force', 'go on although over a fifth of what is stored, and more than 10 GiB, would go')
    .option('--workers <count>', 'how much is removed at a time, from 1 to 10')
    .option('--resume <run>', 'go on with a run that was stopped')
    .option('--lines', 'print the log of the run to stderr')
  const scrub = registry
    .command('scrub')
    .description('read everything stored and compare it with its digest; exit code 1 when something is corrupt')
    .option('--rate <MiB>', 'read no faster than this, a second')
  const fsck = registry
    .command('fsck')
    .description('compare tables and storage; exit code 1 when they differ')
    .option('--repair', 'mark blobs without bytes as corrupt, remove bytes nobody knows')
  for (const command of [gc, scrub, fsck]) {
    command.action((options: Options) => run(world, command, [command.name(), ...argumentsOf(options)]))
  }
}

async function run(world: World, command: Command, args: readonly string[]): Promise<void> {
  const { terminal } = openSession(world, command)
  const bar = progressBar(world)
  const env = await registryEnvironment(world)
  const { report, failure } = await runRegistry(world, env, args, bar.show).finally(bar.clear)
  showReport(terminal, report)
  if (failure === undefined) return
  throw world.stop.aborted ? new Interrupted(failure) : new CommandFailed(failure)
}

function argumentsOf(options: Options): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)}`
    if (value === true) return [flag]
    return typeof value === 'string' ? [`${flag}=${value}`] : []
  })
}
