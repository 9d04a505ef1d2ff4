import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Who may stand on whom: a package imports only packages of a lower number. Services stand on packages alone, and
 * nothing stands on a service.
 */
const LEVELS: Record<string, number> = {
  '@berth/errors': 0,
  '@berth/oci': 1,
  '@berth/types': 2,
  '@berth/runtime': 3,
  '@berth/access': 3,
  '@berth/api': 3,
  '@berth/messaging': 4,
  '@berth/db': 4,
  '@berth/egress': 4,
  '@berth/embedded': 5,
  '@berth/testkit': 6,
  '@berth/cli': 6,
}
/** A library with one room around it: nobody else may import it. */
const KEPT_IN: Record<string, string> = { nats: 'packages/messaging', 'http-proxy': 'services/gateway' }
/** Rooms that speak to NATS as somebody outside would. */
const OUTSIDERS = ['e2e', 'packages/testkit']
/** Tests, the suites of ports, and what helps them in a folder `testing`. */
const TESTS = /\.(test|contract)\.ts$|\/testing\//
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"\n;]*?(?:\n[^'"\n;]*?)*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g

interface Room {
  /** `packages/db` */
  path: string
  name: string
  isService: boolean
  dependencies: string[]
}

/** Every import and dependency edge that goes where it must not, as one line each. */
export function brokenFences(top: string): string[] {
  const rooms = findRooms(top)
  return [...rooms.flatMap((room) => brokenEdges(room)), ...rooms.flatMap((room) => brokenImports(top, room))]
}

function findRooms(top: string): Room[] {
  return globSync('{packages,services}/*/package.json', { cwd: top }).map((file) => {
    const manifest = JSON.parse(readFileSync(join(top, file), 'utf8'))
    const path = dirname(file)
    return {
      path,
      name: manifest.name,
      isService: path.startsWith(`services${sep}`),
      dependencies: Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    }
  })
}

function brokenEdges(room: Room): string[] {
  return room.dependencies
    .filter((name) => name.startsWith('@berth/'))
    .flatMap((name) => {
      const edge = `${room.path}/package.json lists ${name}`
      const level = LEVELS[name]
      if (level === undefined) return [`${edge}, which is no package`]
      if (name === '@berth/testkit') return [`${edge}, which is for tests only`]
      if (room.isService) return []
      const own = LEVELS[room.name]
      if (own === undefined) return [`${room.path} has no level in .ci/fences.ts`]
      return level < own ? [] : [`${edge}, which does not stand below it`]
    })
}

function brokenImports(top: string, room: Room): string[] {
  const files = globSync(`${room.path}/**/*.ts`, { cwd: top, exclude: (name) => name.includes('node_modules') })
  return files.flatMap((file) => {
    const text = readFileSync(join(top, file), 'utf8')
    return [...text.matchAll(IMPORT)]
      .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
      .flatMap((target) => brokenImport(top, room, file, target))
  })
}

function brokenImport(top: string, room: Room, file: string, target: string): string[] {
  const where = `${file} imports ${target}`
  if (target.startsWith('.')) {
    const found = relative(top, resolve(top, dirname(file), target))
    if (!found.startsWith(room.path + sep)) return [`${where}, which is outside its room`]
    return TESTS.test(found) && !TESTS.test(file) ? [`${where}, which is for tests only`] : []
  }
  const library = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? '')
  if (target.startsWith('@berth/') && target !== library) return [`${where}, past the door of ${library}`]
  if (library === '@berth/testkit' && !TESTS.test(file)) return [`${where}, which is for tests only`]
  if (library.startsWith('@berth/') && !TESTS.test(file) && !room.dependencies.includes(library)) {
    return [`${where}, which is not among its dependencies`]
  }
  const home = KEPT_IN[library]
  if (home && room.path !== home && !OUTSIDERS.includes(room.path) && !TESTS.test(file)) {
    return [`${where}, which only ${home} may`]
  }
  return []
}

function main(): void {
  const top = resolve(import.meta.dirname, '..')
  if (!existsSync(join(top, 'pnpm-workspace.yaml'))) throw new Error('run this inside the clone')
  const broken = brokenFences(top)
  for (const line of broken) console.error(`fence: ${line}`)
  if (broken.length > 0) process.exitCode = 1
  else console.log('import fences hold')
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main()
