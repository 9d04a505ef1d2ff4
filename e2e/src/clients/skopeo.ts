import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { type RunResult, run } from '../process.ts'

export interface Skopeo {
  (...args: string[]): Promise<RunResult>
  login(registry: string, user: string, password: string): Promise<RunResult>
}

/** skopeo with logins and a trust policy below `home`. TLS of registries is said per command. */
export async function openSkopeo(tools: Tools, home: string): Promise<Skopeo> {
  await mkdir(home, { recursive: true })
  const policy = join(home, 'policy.json')
  await writeFile(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  await writeFile(join(home, 'auth.json'), '{}')
  const env = { ...tools.env, HOME: home, XDG_RUNTIME_DIR: home, REGISTRY_AUTH_FILE: join(home, 'auth.json') }
  const skopeo = (...args: string[]): Promise<RunResult> => run('skopeo', ['--policy', policy, ...args], { env })
  return Object.assign(skopeo, {
    login: (registry: string, user: string, password: string): Promise<RunResult> =>
      run('skopeo', ['login', '--tls-verify=false', '--username', user, '--password-stdin', registry], {
        env,
        input: password,
      }),
  })
}
