import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** An account of this machine that a part runs under. */
export interface OsUser {
  name: string
  uid: number
  gid: number
}

/** Whom Postgres runs as when we are root, which it refuses to be; undefined when we are not root. */
export async function unprivilegedUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name)
    if (account && Number(account[2]) > 0) return { name, uid: Number(account[2]), gid: Number(account[3]) }
  }
  return { name: 'nobody', uid: 65_534, gid: 65_534 }
}

/** Whether `user` may pass through `path` and every directory above it, by their mode bits. */
export async function canTraverse(path: string, user: OsUser): Promise<boolean> {
  let at = resolve(path)
  for (;;) {
    const { mode, uid, gid } = await stat(at)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    const parent = dirname(at)
    if (parent === at) return true
    at = parent
  }
}
