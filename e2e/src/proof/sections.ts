/** One figure as `src/figures.ts` writes it: a name and what was measured or counted. */
export type Figure = { name: string } & Record<string, number | string>

interface Section {
  title: string
  /** What its rows are and what they must be. */
  text: string
  /** The figures whose names fit are its rows. */
  fits: RegExp
}

/** The page's tables of figures, in order; a figure belongs to the first section it fits. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'The distribution API',
    text: `Checks of our own, for every endpoint of the specification, sha256 and sha512, seventeen kinds of content and what is
refused, through the gateway, each token asked for as its challenge says. They follow what the official conformance
program exercises and are not that program: its Go module could not be had where this was made, so nothing is claimed of
its result.`,
    fits: /^distribution API/,
  },
  {
    title: 'The API of people, projects and content',
    text: `What a fuzzer (schemathesis) made of the OpenAPI document, half of it under names that lead to something: no answer was a
failure of ours, and each had a status, headers and a body the document describes.`,
    fits: /fuzzer/,
  },
  {
    title: 'Big layers',
    text: 'The highest PSS of each service while it ran, in MiB; nobody may reach 200 MB. Every pull is compared with its digest.',
    fits: / MiB$/,
  },
  {
    title: 'Something is down',
    text: `A raw client holding its tokens pushes and pulls all the while; another asks for what needs the part that is down, and
is answered with 503. After each of them health is what it was by itself, the events of the pushes have arrived once
each, and everything that was answered 201 is pulled back and hashes to its name.`,
    fits: /^(?:load while|503 while)/,
  },
  {
    title: 'Uploads that are broken off',
    text: 'Each goes on where its session says it is; the whole is pulled back and compared.',
    fits: /^(?:kill -9|eight uploads)/,
  },
  {
    title: 'An S3 that fails',
    text: 'One request in four of the registry to its S3 meets the fault. What was answered 201 is pulled back and compared.',
    fits: /S3 (?!under load)/,
  },
  {
    title: 'Garbage collection',
    text: 'Nothing that was answered 201 may be lost, and nothing may be left behind.',
    fits: /garbage collection/,
  },
]
