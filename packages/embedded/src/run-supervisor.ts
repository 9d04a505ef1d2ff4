import { setTimeout as sleep } from 'node:timers/promises'
import { dismissGuardian } from './guardian.ts'
import { createOutput } from './output.ts'
import { createVoices } from './say.ts'
import { loadSuiteSettings, type SuiteSettings } from './settings.ts'
import { EXIT, StartRefused } from './start-refused.ts'
import { watchStopRequests } from './stop-request.ts'
import { createSuite, type Pace } from './suite.ts'

const NAME_WIDTH = 14

/**
 * Runs a suite in the foreground until it is asked to stop, then ends this process with one of the codes of `EXIT`.
 *
 * @param root the clone
 */
export async function superviseAndLeave(env: NodeJS.ProcessEnv, root: string): Promise<void> {
  const code = await run(env, root)
  await Promise.race([dismissGuardian(), sleep(500)])
  // What was said last may still wait for its reader; not for long if there is none.
  setTimeout(() => process.exit(code), 500)
  process.stdout.write('', () => process.exit(code))
}

async function run(env: NodeJS.ProcessEnv, root: string): Promise<number> {
  let settings: SuiteSettings
  try {
    settings = loadSuiteSettings(env, root)
  } catch (err) {
    return refuse(err, 'environment')
  }
  for (const warning of settings.warnings) process.stderr.write(`berth: warning: ${warning}\n`)
  const output = createOutput(process.stdout, NAME_WIDTH)
  const voices = createVoices({ level: settings.logLevel, print: (service, json) => output.part(service, json) })
  const say = voices.of('supervisor')
  process.on('unhandledRejection', (err) =>
    say('error', 'a promise was rejected and nobody listened', { reason: String(err) }),
  )
  const requests = watchStopRequests(Number(env.BERTH_PARENT_PID || process.ppid), process.stdout.isTTY)
  const suite = createSuite({ settings, env, root, output, voices })
  const giveUp = new AbortController()
  let code: number = EXIT.stopped
  const started = suite.start(giveUp.signal).then(
    () => undefined,
    (err: unknown) => ({ err }),
  )
  const failure = await Promise.race([started, requests.first.then(() => undefined)])
  let pace: Pace = 'hurried'
  if (failure) code = refuse(failure.err, settings.dataPath)
  else {
    pace = await requests.first
    say('info', 'stopping', { pace })
  }
  giveUp.abort()
  // What is half started is waited for, so that stopping finds all of it.
  const stopped = started.then(() => suite.stop(pace))
  await Promise.race([stopped, requests.second.then(() => suite.kill())])
  return code
}

function refuse(err: unknown, where: string): number {
  const refusal =
    err instanceof StartRefused ? err : new StartRefused(EXIT.failed, (err as Error).message, where, { cause: err })
  process.stderr.write(`${refusal.message}\n`)
  return refusal.exitCode
}
