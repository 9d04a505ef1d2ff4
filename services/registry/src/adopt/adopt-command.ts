import { findRepositoryName } from '@berth/oci'
import type { CommandReport } from '@berth/types'
import { readArguments } from '../commands/arguments.ts'
import { ArgumentsInvalid, type Command, type CommandParts } from '../commands/command.ts'
import { adopt } from './adopt.ts'
import { releaseUntagged } from './adopt-tags.ts'
import { openSource } from './open-source.ts'
import type { TagSource } from './tag-source.ts'
import { tagsFromHarbor } from './tags-from-harbor.ts'
import { tagsFromHarborDatabase } from './tags-from-harbor-database.ts'

const OPTIONS = {
  'tags-from': { type: 'string' },
  'tags-user': { type: 'string' },
  verify: { type: 'boolean', default: false },
  project: { type: 'string' },
  'release-untagged': { type: 'boolean', default: false },
} as const

/**
 * `adopt <directory | s3://bucket/prefix> [--tags-from <url>] [--tags-user <name>] [--project <name>] [--verify]`, or
 * `adopt --release-untagged`. The password for `--tags-from` is `BERTH_ADOPT_TAGS_PASSWORD`.
 */
export const adoptCommand: Command = async (args, parts) => {
  const { values, positionals } = readArguments(args, OPTIONS)
  const [place, ...more] = positionals
  if (values['release-untagged']) {
    if (place !== undefined)
      throw new ArgumentsInvalid('--release-untagged is about everything taken over: name no place')
    return { figures: { released: await releaseUntagged(parts.database) }, findings: [], remarks: [] }
  }
  if (place === undefined || more.length > 0) throw new ArgumentsInvalid('name the directory or the bucket to adopt')
  const { project } = values
  if (project !== undefined && (project.includes('/') || findRepositoryName(project) === undefined)) {
    throw new ArgumentsInvalid('--project must be the name of a project')
  }
  return adoptFrom(place, { ...parts, verify: values.verify, project }, values)
}

async function adoptFrom(
  place: string,
  parts: CommandParts & { verify: boolean; project?: string },
  values: { 'tags-from'?: string; 'tags-user'?: string },
): Promise<CommandReport> {
  const tags = await openTags(values, parts.env)
  try {
    const source = await openSource(place, parts.env)
    try {
      return await adopt({ ...parts, source, tags })
    } finally {
      await source.close()
    }
  } finally {
    await tags?.close()
  }
}

async function openTags(
  values: { 'tags-from'?: string; 'tags-user'?: string },
  env: NodeJS.ProcessEnv,
): Promise<TagSource | undefined> {
  const from = values['tags-from']
  if (from === undefined) return undefined
  const url = URL.canParse(from) ? new URL(from) : undefined
  const password = env.BERTH_ADOPT_TAGS_PASSWORD || undefined
  if (url?.password) throw new ArgumentsInvalid('--tags-from must not hold a password: BERTH_ADOPT_TAGS_PASSWORD does')
  if (url?.protocol === 'postgres:' || url?.protocol === 'postgresql:') return tagsFromHarborDatabase(url, password)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ArgumentsInvalid('--tags-from must begin with https://, http:// or postgres://')
  }
  const username = values['tags-user'] ?? decodeURIComponent(url.username)
  if ((username === '') !== (password === undefined)) {
    throw new ArgumentsInvalid('--tags-user and BERTH_ADOPT_TAGS_PASSWORD belong together')
  }
  return tagsFromHarbor(url, password === undefined ? undefined : { username, password })
}
