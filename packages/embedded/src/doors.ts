import { address } from './plan.ts'
import { isPortFree } from './ports.ts'
import type { SuiteSettings } from './settings.ts'
import { EXIT, StartRefused } from './start-refused.ts'

/**
 * Makes sure that the public doors can be opened before anything is started.
 *
 * @throws {StartRefused} exit code 3 when a port is taken, 2 when this address or port cannot be ours at all
 */
export async function checkPublicDoors(settings: SuiteSettings): Promise<void> {
  const { bind, httpPort, httpsPort, tls } = settings
  await checkDoor(bind, httpPort, 'BERTH_HTTP_PORT')
  if (tls !== 'off') await checkDoor(bind, httpsPort, 'BERTH_HTTPS_PORT')
}

async function checkDoor(host: string, port: number, setting: string): Promise<void> {
  const where = address({ host, port })
  let free: boolean
  try {
    free = await isPortFree(port, host)
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'EACCES') throw new StartRefused(EXIT.wrongSetting, `no permission to listen on ${where}`, setting)
    throw new StartRefused(EXIT.wrongSetting, `cannot listen on ${where}: ${code}`, 'BERTH_BIND')
  }
  if (!free) throw new StartRefused(EXIT.portTaken, `port ${port} of ${host} is taken`, setting)
}
