import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { type RunResult, run } from '../process.ts'

export interface Podman {
  (...args: string[]): Promise<RunResult>
  login(registry: string, user: string, password: string): Promise<RunResult>
}

/** podman with storage, configuration and logins below `home`; nothing of the machine's is read or written. */
export async function openPodman(tools: Tools, home: string): Promise<Podman> {
  await mkdir(join(home, '.config', 'containers'), { recursive: true })
  const at = (name: string): string => join(home, name)
  await writeFile(
    at('.config/containers/policy.json'),
    JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
  )
  await writeFile(
    at('containers.conf'),
    `[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
tmp_dir = "${at('tmp')}"
conmon_path = ["${tools.root}/usr/bin/conmon", "/usr/bin/conmon"]
[engine.runtimes]
runc = ["${tools.root}/usr/sbin/runc", "/usr/sbin/runc", "/usr/bin/runc"]
`,
  )
  await writeFile(
    at('storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${at('graph')}"\nrunroot = "${at('run')}"\n`,
  )
  await writeFile(
    at('registries.conf'),
    '[[registry]]\nprefix = "127.0.0.1"\nlocation = "127.0.0.1"\ninsecure = true\n',
  )
  await writeFile(at('auth.json'), '{}')
  const env = {
    ...tools.env,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    CONTAINERS_CONF: at('containers.conf'),
    CONTAINERS_STORAGE_CONF: at('storage.conf'),
    CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
    REGISTRY_AUTH_FILE: at('auth.json'),
    TMPDIR: home,
  }
  const podman = (...args: string[]): Promise<RunResult> => run('podman', args, { env })
  return Object.assign(podman, {
    login: (registry: string, user: string, password: string): Promise<RunResult> =>
      run('podman', ['login', '--tls-verify=false', '--username', user, '--password-stdin', registry], {
        env,
        input: password,
      }),
  })
}
