import { Command, Option } from 'commander'
import about from '../package.json' with { type: 'json' }
import { contextCommands } from './context/commands.ts'
import { logsCommand } from './logs/command.ts'
import { migrateCommand } from './migrate-command.ts'
import { permissionsCommand } from './nats/permissions-command.ts'
import { userCommands } from './nats/user-commands.ts'
import { provisionCommand } from './provision-command.ts'
import { registryCommands } from './registry/command.ts'
import { statusCommand } from './status/command.ts'
import { OUTPUTS, type World } from './terminal.ts'
import { tokenCommands } from './token-command.ts'

const AFTER_HELP = `
Without a context it speaks to the suite on this machine's data directory (BERTH_DATA, else .berth in the clone).
BERTH_USERNAME and BERTH_PASSWORD say who we are; passwords are never arguments.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found.`

/** The whole command line; it throws a {CommanderError} where commander would leave. */
export function createProgram(world: World): Command {
  const program = new Command('berth')
    .description("the operator's command line of a Berth suite")
    .version(about.version)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(OUTPUTS))
    .option('--context <name>', 'the suite to speak to; see "berth context list"')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'berth: ')),
    })
  statusCommand(program, world)
  logsCommand(program, world)
  contextCommands(program, world)
  tokenCommands(program, world)
  const nats = program.command('nats').description('the NATS server: who may say what')
  permissionsCommand(nats, world)
  userCommands(nats, world)
  provisionCommand(program, world)
  migrateCommand(program, world)
  registryCommands(program, world)
  return program
}
