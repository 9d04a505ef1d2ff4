import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CommandFailed, NotThere, UsageError } from '../exit.ts'
import { dataDirectory, findSuite } from '../local-suite.ts'
import { openSession } from '../session.ts'
import type { World } from '../terminal.ts'
import { type Context, readConfig, writeConfig } from './config-file.ts'
import { readSecret } from './secret.ts'
import { LOCAL } from './target.ts'

interface AddOptions {
  url: string
  username?: string
  passwordStdin?: boolean
  caFile?: string
}

/** `berth context add|use|list|remove` */
export function contextCommands(program: Command, world: World): void {
  const context = program.command('context').description('the suites this command line knows')

  context
    .command('add <name>')
    .description('remember a suite; the first one added is the one used from then on')
    .requiredOption('--url <url>', 'where it is, such as https://registry.example.com')
    .option('--username <name>', 'who we are there; else BERTH_USERNAME')
    .option('--password-stdin', 'read the password from standard input; else BERTH_PASSWORD is remembered if set')
    .option('--ca-file <file>', 'PEM file of the authority its certificate is signed by')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { terminal } = openSession(world, command)
      const made = await makeContext(world, name, options)
      const config = await readConfig(world.env)
      if (config.contexts.some((one) => one.name === name))
        throw new CommandFailed(`there is a context ${name} already`)
      const current = config.contexts.length === 0 ? name : config.current
      await writeConfig(world.env, { current, contexts: [...config.contexts, made] })
      terminal.say(`context ${name} added${current === name ? ' and chosen' : ''}`)
    })

  context
    .command('use <name>')
    .description(`choose a suite; "${LOCAL}" is the one on this machine`)
    .action(async (name: string, _options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const config = await readConfig(world.env)
      if (name !== LOCAL && !config.contexts.some((one) => one.name === name)) {
        throw new NotThere(`there is no context ${name}`)
      }
      await writeConfig(world.env, { ...config, current: name === LOCAL ? undefined : name })
      terminal.say(`context ${name} chosen`)
    })

  context
    .command('list')
    .description('list them; the chosen one is marked')
    .action(async (_options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const config = await readConfig(world.env)
      const local = await findSuite(dataDirectory(world.env, world.cwd))
      const current = config.current ?? LOCAL
      const rows = [...(local ? [{ name: LOCAL, url: local.url, username: 'admin' }] : []), ...config.contexts].map(
        ({ name, url, username }) => ({ name, url, username, current: name === current }),
      )
      terminal.rows(rows, [
        { title: '', of: (row) => (row.current ? '*' : ' ') },
        { title: 'NAME', of: (row) => row.name },
        { title: 'URL', of: (row) => row.url },
        { title: 'USER', of: (row) => row.username },
      ])
    })

  context
    .command('remove <name>')
    .description('forget a suite')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const config = await readConfig(world.env)
      const contexts = config.contexts.filter((one) => one.name !== name)
      if (contexts.length === config.contexts.length) throw new NotThere(`there is no context ${name}`)
      await writeConfig(world.env, { current: config.current === name ? undefined : config.current, contexts })
      terminal.say(`context ${name} removed`)
    })
}

async function makeContext(world: World, name: string, options: AddOptions): Promise<Context> {
  if (!/^[\w.-]{1,64}$/.test(name) || name === LOCAL) {
    throw new UsageError(`a context is named by letters, digits, ".", "_" and "-", and not "${LOCAL}"`)
  }
  const url = URL.parse(options.url)
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.username || url.password) {
    throw new UsageError('--url must be http(s)://host[:port], without user, password and path')
  }
  const caFile = options.caFile && resolve(world.cwd, options.caFile)
  if (caFile && !(await readFile(caFile, 'utf8')).includes('-----BEGIN CERTIFICATE-----')) {
    throw new UsageError(`${caFile} holds no certificate in PEM`)
  }
  const password = options.passwordStdin ? await readSecret(world, 'Password') : world.env.BERTH_PASSWORD
  return {
    name,
    url: url.origin,
    username: options.username ?? world.env.BERTH_USERNAME,
    ...(password && { password }),
    ...(caFile && { caFile }),
  }
}
