import { adoptCommand } from '../adopt/index.ts'
import type { Command } from './command.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  adopt: adoptCommand,
}

/** The command `main.ts <name>` runs. */
export function findCommand(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
}
