import { adoptCommand } from '../adopt/index.ts'
import type { Command } from './command.ts'
import { fsckCommand } from './fsck-command.ts'
import { gcCommand } from './gc-command.ts'
import { scrubCommand } from './scrub-command.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  adopt: adoptCommand,
  gc: gcCommand,
  scrub: scrubCommand,
  fsck: fsckCommand,
}

/** The command `main.ts <name>` runs. */
export function findCommand(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
}
