import { mkdir } from 'node:fs/promises'
import type { Tools } from '../../tools/install.ts'
import { type RunResult, run } from '../process.ts'
import type { Dockerd } from './dockerd.ts'

export interface Docker {
  /** Any docker command, run to its end; the exit code is the caller's to judge. */
  (...args: string[]): Promise<RunResult>
  login(registry: string, user: string, password: string): Promise<RunResult>
}

/** A docker command line with a configuration directory of its own: logins of one are unknown to another. */
export async function openDocker(tools: Tools, dockerd: Dockerd, configDirectory: string): Promise<Docker> {
  await mkdir(configDirectory, { recursive: true })
  const env = { ...tools.env, HOME: configDirectory, DOCKER_HOST: dockerd.host, DOCKER_CONFIG: configDirectory }
  const docker = (...args: string[]): Promise<RunResult> => run('docker', args, { env })
  return Object.assign(docker, {
    login: (registry: string, user: string, password: string): Promise<RunResult> =>
      run('docker', ['login', '--username', user, '--password-stdin', registry], { env, input: password }),
  })
}

/** The digest a push or pull told: `digest: sha256:… size: …` or `Digest: sha256:…`. */
export function toldDigest(output: string): string {
  const found = /[Dd]igest: (sha256:[a-f0-9]{64})/.exec(output)
  if (!found?.[1]) throw new Error(`no digest told:\n${output}`)
  return found[1]
}
