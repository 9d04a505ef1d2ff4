import { readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { openTools } from '../../tools/install.ts'
import { type Journey, proofPage } from './page.ts'
import type { Figure } from './sections.ts'

const JOURNEYS = fileURLToPath(new URL('../../journeys', import.meta.url))
const PAGE = fileURLToPath(new URL('../../../docs/proof.md', import.meta.url))

/** Writes docs/proof.md after a run of all journeys; a run of some of them proves some of it and writes nothing. */
export function proofReporter(figuresFile: string): Reporter {
  const began = Date.now()
  return {
    async onTestRunEnd(modules) {
      const files = (await readdir(JOURNEYS, { recursive: true })).filter((name) => name.endsWith('.test.ts'))
      if (modules.length !== files.length) return
      const lines = (await readFile(figuresFile, 'utf8')).split('\n').filter((line) => line !== '')
      const page = proofPage({
        date: new Date().toISOString().slice(0, 10),
        minutes: Math.round((Date.now() - began) / 60_000),
        cores: cpus().length,
        memoryGib: Math.round(totalmem() / 1024 ** 3),
        journeys: modules.map(journeyOf).toSorted((one, other) => (one.name < other.name ? -1 : 1)),
        failures: modules.flatMap((module) =>
          [...module.children.allTests()].filter(hasFailed).map((test) => test.fullName),
        ),
        figures: lines.map((line) => JSON.parse(line) as Figure),
        versions: (await openTools(true)).versions,
      })
      await writeFile(PAGE, page)
    },
  }
}

const hasFailed = (test: TestCase): boolean => test.result().state !== 'passed'

function journeyOf(module: TestModule): Journey {
  const tests = [...module.children.allTests()]
  const [outermost] = module.children.suites()
  const passed = tests.filter((test) => !hasFailed(test)).length
  return {
    name: basename(module.moduleId, '.test.ts'),
    about: outermost?.name ?? '',
    passed,
    failed: tests.length - passed,
  }
}
