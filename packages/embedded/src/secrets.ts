import { createHmac, randomBytes, randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { weaknessOfKey } from '@berth/runtime'
import type { DataDir } from './data-dir.ts'
import { writePrivateFile } from './private-file.ts'
import { EXIT, StartRefused } from './start-refused.ts'

/**
 * The key that protects secrets at rest: the one given, else the one kept in the data directory, made at first start.
 * `previous` is the one the data was made with, when that is changed.
 *
 * @throws {StartRefused} exit code 2: it is weak, missing, or not the one the data was made with
 */
export async function secretKeyOf(data: DataDir, given: string | undefined, previous?: string): Promise<string> {
  const path = data.at('secret-key')
  const key = given ?? (await readOrMakeKey(path, data.hasKey))
  await data.bindKey(key, given === undefined ? path : 'BERTH_SECRET_KEY', previous)
  return key
}

async function readOrMakeKey(path: string, mustExist: boolean): Promise<string> {
  const kept = await readTrimmed(path)
  if (kept === undefined && mustExist) {
    throw new StartRefused(EXIT.wrongSetting, 'the secret key the data was made with is missing', path)
  }
  if (kept === undefined) {
    const made = randomBytes(32).toString('base64')
    await writePrivateFile(path, `${made}\n`)
    return made
  }
  const weakness = weaknessOfKey(kept)
  if (weakness) throw new StartRefused(EXIT.wrongSetting, `the secret key ${weakness}`, path)
  return kept
}

export async function readTrimmed(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}

/**
 * The first password of the user admin: the one given, else the one kept from before, else a new one while no suite has
 * been ready on this data yet. `show`: it is ours and its owner has not seen it.
 */
export async function adminPasswordOf(
  data: DataDir,
  given: string | undefined,
): Promise<{ password: string; path?: string; show: boolean } | undefined> {
  if (given !== undefined) return { password: given, show: false }
  const path = data.at('admin-password')
  const kept = await readTrimmed(path)
  if (kept !== undefined) return { password: kept, path, show: data.isNew }
  if (!data.isNew) return undefined
  const password = makePassword()
  await writePrivateFile(path, `${password}\n`)
  return { password, path, show: true }
}

/** A password of a part, made from the secret key so that nothing more has to be kept. */
export function derivedPassword(secretKey: string, whose: `postgres:${string}` | `nats:${string}`): string {
  return createHmac('sha256', Buffer.from(secretKey, 'base64')).update(whose).digest('base64url')
}

const UPPER = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
const LOWER = 'abcdefghijkmnopqrstuvwxyz'
const DIGIT = '23456789'

/** 20 characters without look-alikes, at least one of each kind Harbor's rule asks for. */
export function makePassword(): string {
  const all = UPPER + LOWER + DIGIT
  for (;;) {
    const made = Array.from({ length: 20 }, () => all[randomInt(all.length)]).join('')
    if (weaknessOfPassword(made) === undefined) return made
  }
}

/** Harbor's rule. */
export function weaknessOfPassword(text: string): string | undefined {
  const fits = text.length >= 8 && text.length <= 128 && /[A-Z]/.test(text) && /[a-z]/.test(text) && /\d/.test(text)
  return fits ? undefined : 'must have 8 to 128 characters with an upper case letter, a lower case letter and a digit'
}
